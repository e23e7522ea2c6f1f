// Compress compresses every file of a folder at every level with pgzip, and prints what came out, without the gzip header and
// trailer: level, file, bytes, SHA-256.
//
//	go run . -block 1048576 folder
//
// What it makes is reproduced by bundle-format/src/recode/klauspost/pgzip.rs; `go get` chooses other versions.
package main

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/klauspost/pgzip"
)

const (
	header  = 10
	trailer = 8
)

func main() {
	block := flag.Int("block", 1<<20, "the size of blocks")
	flag.Parse()
	if err := folder(flag.Arg(0), *block); err != nil {
		fmt.Fprintf(os.Stderr, "the files in %q were not compressed: %v\n", flag.Arg(0), err)
		os.Exit(1)
	}
}

func folder(path string, block int) error {
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
			var out bytes.Buffer
			w, err := pgzip.NewWriterLevel(&out, level)
			if err != nil {
				return err
			}
			if err = w.SetConcurrency(block, 2); err != nil {
				return err
			}
			if _, err = w.Write(content); err != nil {
				return err
			}
			if err = w.Close(); err != nil {
				return err
			}
			deflate := out.Bytes()[header : out.Len()-trailer]
			fmt.Printf("%d\t%s\t%d\t%x\n", level, file.Name(), len(deflate), sha256.Sum256(deflate))
		}
	}
	return nil
}
