package condition

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error says where and why a condition could not be read.
type Error struct {
	Macro  string // the macro whose text it is; "" for the condition itself
	Line   int    // from 1
	Column int    // in characters, from 1
	Reason string
}

func (e *Error) Error() string {
	at := fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Reason)
	if e.Macro != "" {
		return fmt.Sprintf("macro %q, %s", e.Macro, at)
	}
	return at
}

// errorAt makes an Error of a byte offset in text.
func errorAt(text string, offset int, format string, args ...any) *Error {
	before := text[:min(offset, len(text))]
	start := strings.LastIndexByte(before, '\n') + 1
	return &Error{
		Line:   1 + strings.Count(before, "\n"),
		Column: 1 + utf8.RuneCountInString(before[start:]),
		Reason: fmt.Sprintf(format, args...),
	}
}
