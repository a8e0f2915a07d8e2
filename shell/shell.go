// Package shell writes commands for a POSIX shell from argument vectors.
// Quoting and parsing are mvdan.cc/sh's.
package shell

import (
	"fmt"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Quote returns s as one shell word. NUL cannot be quoted and is an error;
// other control characters are refused too: nobody can check by eye what a
// command with an invisible character does.
func Quote(s string) (string, error) {
	for _, r := range s {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == 0xfffd {
			return "", fmt.Errorf("%q has a control character", s)
		}
	}
	if plainWord(s) {
		return s, nil
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'", nil
}

// plainWord reports whether s needs no quotes.
func plainWord(s string) bool {
	if s == "" || s[0] == '~' || s[0] == '=' {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte("_-./:=@%+,^", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// Join returns one command.
func Join(argv []string) (string, error) {
	words := make([]string, len(argv))
	for i, arg := range argv {
		w, err := Quote(arg)
		if err != nil {
			return "", err
		}
		words[i] = w
	}
	return strings.Join(words, " "), nil
}

// Pipe returns commands joined by |.
func Pipe(argvs [][]string) (string, error) {
	parts := make([]string, len(argvs))
	for i, argv := range argvs {
		part, err := Join(argv)
		if err != nil {
			return "", err
		}
		parts[i] = part
	}
	return strings.Join(parts, " | "), nil
}

// WriteFile returns the commands that write content to path as root, with the
// given mode ("" leaves it to the umask).
func WriteFile(path, mode, content string) (string, error) {
	target, err := Quote(path)
	if err != nil {
		return "", err
	}
	end := "EOF"
	for strings.Contains(content, end) {
		end += "_"
	}
	if !strings.HasSuffix(content, "\n") {
		content += "\n"
	}
	text := "sudo tee " + target + " >/dev/null <<'" + end + "'\n" + content + end
	if mode != "" {
		text += "\nsudo chmod " + mode + " " + target
	}
	return text, nil
}

// Check parses a script as POSIX shell (bash where name is bash) and returns
// the first error.
func Check(script string, bash bool) error {
	lang := syntax.LangPOSIX
	if bash {
		lang = syntax.LangBash
	}
	_, err := syntax.NewParser(syntax.Variant(lang)).Parse(strings.NewReader(script), "")
	return err
}
