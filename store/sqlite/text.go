package sqlite

import (
	"strings"
	"unicode"
)

// match is a user's words as an expression of FTS5: each is quoted, so that
// nothing in it is syntax, and all have to be there. A word that the tokenizer
// would take apart ("10.0.0.1") becomes a phrase; one that ends in * stands for
// all that start so. It is "" when there is nothing to look for.
func match(text string) string {
	var parts []string
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		stem := strings.TrimRight(word, "*")
		// What holds no letter or digit is nothing to FTS5.
		if !strings.ContainsFunc(stem, func(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.Co) }) {
			continue
		}
		part := `"` + strings.ReplaceAll(strings.ToValidUTF8(stem, "\uFFFD"), `"`, `""`) + `"`
		if stem != word {
			part += " *"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " ")
}
