// Compress compresses every file of a folder at every level, and prints what came out: level, file, bytes, SHA-256.
//
//	go run . -flush-after 100 -dictionary 0 folder
//
// What the flate of Go 1.27 makes is reproduced by bundle-format/src/recode/klauspost too; GOTOOLCHAIN chooses the Go.
package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"hash"
	"os"
	"path/filepath"

	"compress/flate"
)

func main() {
	flushAfter := flag.Int("flush-after", 0, "flush after every so many bytes; 0: never")
	dictionary := flag.Int("dictionary", 0, "so many bytes at the start are not content, but the dictionary")
	flag.Parse()
	if err := folder(flag.Arg(0), *flushAfter, *dictionary); err != nil {
		fmt.Fprintf(os.Stderr, "the files in %q were not compressed: %v\n", flag.Arg(0), err)
		os.Exit(1)
	}
}

func folder(path string, flushAfter, dictionary int) error {
	files, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(path, file.Name()))
		if err != nil {
			return err
		}
		for level := -2; level <= 9; level++ {
			out := &counted{Hash: sha256.New()}
			dictionary := min(dictionary, len(content))
			if err := compress(out, level, flushAfter, content[:dictionary], content[dictionary:]); err != nil {
				return err
			}
			fmt.Printf("%d\t%s\t%d\t%x\n", level, file.Name(), out.bytes, out.Sum(nil))
		}
	}
	return nil
}

func compress(out *counted, level, flushAfter int, dictionary, content []byte) error {
	w, err := flate.NewWriterDict(out, level, dictionary)
	if err != nil {
		return err
	}
	for flushAfter > 0 && len(content) >= flushAfter {
		if _, err = w.Write(content[:flushAfter]); err != nil {
			return err
		}
		if err = w.Flush(); err != nil {
			return err
		}
		content = content[flushAfter:]
	}
	if _, err = w.Write(content); err != nil {
		return err
	}
	return w.Close()
}

type counted struct {
	hash.Hash
	bytes int
}

func (c *counted) Write(b []byte) (int, error) {
	c.bytes += len(b)
	return c.Hash.Write(b)
}
