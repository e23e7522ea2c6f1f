// Gz compresses each FILE to FILE.gz as docker build does: compress/gzip at its default level, copied in pieces of 32 KiB.
package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"os"
)

func main() {
	for _, name := range os.Args[1:] {
		if err := compress(name); err != nil {
			fmt.Fprintf(os.Stderr, "gz: %v\n", err)
			os.Exit(1)
		}
	}
}

func compress(name string) error {
	from, err := os.Open(name)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.Create(name + ".gz")
	if err != nil {
		return err
	}
	defer to.Close()
	out := bufio.NewWriterSize(to, 1<<20)
	zip := gzip.NewWriter(out)
	// Without ReadFrom and WriteTo, the size of the pieces is that of the buffer.
	if _, err := io.CopyBuffer(struct{ io.Writer }{zip}, struct{ io.Reader }{from}, make([]byte, 32<<10)); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	return out.Flush()
}
