// Command generate checks the catalogue and packs it into the file that the
// binary reads.
package main

import (
	"fmt"
	"os"

	"github.com/tiercel/tiercel/knowledge/catalogue"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: generate DATA-DIR OUTPUT")
		os.Exit(2)
	}
	set, problems := catalogue.ReadSet(os.DirFS(os.Args[1]))
	if len(problems) > 0 {
		fmt.Fprintln(os.Stderr, problems)
		os.Exit(1)
	}
	compiled, err := catalogue.Compile(set)
	if err == nil {
		err = os.WriteFile(os.Args[2], compiled, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
