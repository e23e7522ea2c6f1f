// Compress reads content on stdin and writes what this Go's compress/flate makes of it: raw DEFLATE data, without a gzip header.
//
//	go run . -level 6 < content > deflate
//
// What Go up to 1.26 makes is reproduced by bundle-format/src/recode/golang (spec/compressors/go.md); GOTOOLCHAIN chooses another Go.
package main

import (
	"compress/flate"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	level := flag.Int("level", flate.DefaultCompression, "-2 (Huffman only), -1 (default), 0 (stored), 1 to 9")
	flushAfter := flag.Int("flush-after", 0, "flush after every so many bytes; 0: never")
	flag.Parse()
	if err := compress(*level, *flushAfter); err != nil {
		fmt.Fprintf(os.Stderr, "content on stdin was not compressed at level %d: %v\n", *level, err)
		os.Exit(1)
	}
}

func compress(level, flushAfter int) error {
	w, err := flate.NewWriter(os.Stdout, level)
	if err != nil {
		return err
	}
	for {
		if flushAfter == 0 {
			_, err = io.Copy(w, os.Stdin)
			break
		}
		_, err = io.CopyN(w, os.Stdin, int64(flushAfter))
		if err != nil {
			break
		}
		if err = w.Flush(); err != nil {
			return err
		}
	}
	if err != nil && err != io.EOF {
		return err
	}
	return w.Close()
}
