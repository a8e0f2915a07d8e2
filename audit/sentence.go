package audit

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tiercel/tiercel/audit/expr"
)

// sentence is one sentence of a block.
type sentence struct {
	in         *block
	start, end int    // in the block's text
	plain      string // lower case, blanks single, without reference numbers
	places     []int  // of each byte of plain in the block's text

	maybe    int8 // see hypothetical: 0 not known yet, 1 no, 2 yes
	names    []mention
	hasNames bool
	start2   []int // see pair
	paired   bool
}

// text returns the sentence as it stands in the block.
func (s *sentence) text() string { return s.in.text[s.start:s.end] }

// place maps a run of plain to the block's text.
func (s *sentence) place(start, end int) (int, int) {
	if start >= end || end > len(s.places) {
		return s.start, s.end
	}
	return s.places[start], s.places[end-1] + 1
}

// abbreviations end with a dot that ends no sentence.
var abbreviations = expr.New(`(?i)(?:^|[\s(])(?:e\.g|i\.e|etc|vs|approx|no|nr|fig|cf|incl|resp|st|mr|ms|dr|inc|ltd|al|ca)\.$`)

// longest is beyond what anybody writes as a sentence, in bytes: such a text is
// cut, so that time grows with its length only.
const longest = 3000

// sentences splits a block. Nothing inside of a code span ends a sentence.
func sentences(b *block) []*sentence {
	var out []*sentence
	start := 0
	cut := func(end int) {
		if s := newSentence(b, start, end); s != nil {
			out = append(out, s)
		}
		start = end
	}
	code := b.code()
	for i := 0; i < len(b.text); i++ {
		for len(code) > 0 && code[0].end <= i {
			code = code[1:]
		}
		if len(code) > 0 && i >= code[0].start {
			if i = code[0].end - 1; i-start > longest {
				cut(i)
			}
			continue
		}
		if i-start > longest && isSpace(b.text[i]) || i-start > 2*longest {
			cut(i)
		}
		switch c := b.text[i]; c {
		case '.', '!', '?':
			end := i + 1
			for end < len(b.text) && strings.IndexByte(`"')]*`, b.text[end]) >= 0 {
				end++
			}
			if end < len(b.text) && !isSpace(b.text[end]) || c == '.' && !ends(b.text, start, i, end) {
				continue
			}
			end = behindReferences(b.text, end)
			cut(end)
			i = end - 1
		case '\n':
			// A list written without its blank line, or lines of key: value.
			rest := strings.TrimLeft(b.text[i+1:], " \t")
			if begins(rest) {
				cut(i + 1)
			}
		}
	}
	cut(len(b.text))
	return out
}

var listLine = expr.New(`^(?:[-*•–] |\d{1,2}[.)] |[A-Z][\w ./-]{0,40}: |[A-Za-z_][\w.\[\]]{1,40}[:=]\s*\S)`)

func begins(line string) bool { return listLine.MatchString(line[:min(len(line), 120)]) }

// ends reports whether the dot at i ends a sentence; end is behind it and
// behind closing quotes.
func ends(text string, start, i, end int) bool {
	if abbreviations.MatchString(text[max(start, i-12) : i+1]) {
		return false
	}
	rest := strings.TrimLeft(text[end:min(len(text), end+40)], " \t\n")
	r, _ := utf8.DecodeRuneInString(rest)
	// "1. First" is one sentence.
	if k := strings.TrimSpace(text[start:i]); len(k) <= 2 && k != "" && strings.Trim(k, "0123456789") == "" {
		return false
	}
	return rest == "" || !unicode.IsLower(r)
}

var references = expr.New(`^\s*\[\d{1,4}(?:, ?\d{1,4})*\]`)

// behindReferences takes the numbers of footnotes to the sentence before them.
func behindReferences(text string, at int) int {
	for {
		m := references.FindStringIndex(text[at:min(len(text), at+2000)])
		if m == nil {
			return at
		}
		at += m[1]
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// newSentence normalises a run of a block; nil if nothing is in it.
func newSentence(b *block, start, end int) *sentence {
	for start < end && isSpace(b.text[start]) {
		start++
	}
	for end > start && isSpace(b.text[end-1]) {
		end--
	}
	if start == end {
		return nil
	}
	s := &sentence{in: b, start: start, end: end}
	plain, places := make([]byte, 0, end-start), make([]int, 0, end-start)
	blank := true
	for i := start; i < end; {
		if b.text[i] == '[' {
			if m := references.FindStringIndex(b.text[i:min(end, i+2000)]); m != nil && i > start {
				i += m[1]
				continue
			}
		}
		r, n := utf8.DecodeRuneInString(b.text[i:end])
		var add string
		switch {
		case unicode.IsSpace(r):
			if !blank {
				add = " "
			}
			blank = true
		default:
			blank = false
			add = fold(r)
		}
		for k := range len(add) {
			plain, places = append(plain, add[k]), append(places, min(i+k, i+n-1))
		}
		i += n
	}
	if n := len(plain); n > 0 && plain[n-1] == ' ' {
		plain, places = plain[:n-1], places[:n-1]
	}
	s.plain, s.places = string(plain), places
	return s
}

// fold writes a character as claims are written: lower case, plain quotes and
// dashes.
func fold(r rune) string {
	switch r {
	case '’', '‘', '`':
		return "'"
	case '“', '”':
		return `"`
	case '–', '—', '‑', '‐':
		return "-"
	case '\u200b', '\ufeff', '\u00ad':
		return ""
	case '…':
		return "..."
	}
	if r < utf8.RuneSelf {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return string(r)
	}
	return string(unicode.ToLower(r))
}
