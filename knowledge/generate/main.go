// Command generate checks a folder of knowledge and compiles it into the file
// that the binary starts from: parsing 150 YAML files at each start would cost
// more than the whole report.
package main

import (
	"fmt"
	"os"

	"github.com/tiercel/tiercel/knowledge"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: generate DATA-DIR OUTPUT")
		os.Exit(2)
	}
	set, problems := knowledge.ReadSet(os.DirFS(os.Args[1]))
	problems = append(problems, set.Lint(nil)...)
	if len(problems) > 0 {
		fmt.Fprintln(os.Stderr, problems)
		os.Exit(1)
	}
	compiled, err := knowledge.Compile(set)
	if err == nil {
		err = os.WriteFile(os.Args[2], compiled, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
