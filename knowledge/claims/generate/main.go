// Command generate checks a folder of claims and compiles it into the file
// that the binary starts from.
package main

import (
	"fmt"
	"os"

	"github.com/tiercel/tiercel/knowledge/builtin"
	"github.com/tiercel/tiercel/knowledge/claims"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: generate DATA-DIR OUTPUT")
		os.Exit(2)
	}
	c, problems := claims.Read(os.DirFS(os.Args[1]), builtin.Base())
	if len(problems) > 0 {
		fmt.Fprintln(os.Stderr, problems)
		os.Exit(1)
	}
	text, err := claims.Compile(c)
	if err == nil {
		err = os.WriteFile(os.Args[2], text, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
