package code

import (
	"regexp"
	"sync"
)

// expression is a regular expression that is compiled when it is first needed:
// a program that never audits does not pay for it.
type expression struct {
	once sync.Once
	text string
	re   *regexp.Regexp
}

func pattern(text string) *expression { return &expression{text: text} }

func (e *expression) get() *regexp.Regexp {
	e.once.Do(func() { e.re = regexp.MustCompile(e.text) })
	return e.re
}

func (e *expression) MatchString(s string) bool            { return e.get().MatchString(s) }
func (e *expression) FindString(s string) string           { return e.get().FindString(s) }
func (e *expression) FindStringIndex(s string) []int       { return e.get().FindStringIndex(s) }
func (e *expression) FindStringSubmatch(s string) []string { return e.get().FindStringSubmatch(s) }
func (e *expression) FindStringSubmatchIndex(s string) []int {
	return e.get().FindStringSubmatchIndex(s)
}
func (e *expression) FindAllString(s string, n int) []string { return e.get().FindAllString(s, n) }
func (e *expression) FindAllIndex(b []byte, n int) [][]int   { return e.get().FindAllIndex(b, n) }
func (e *expression) FindAllStringSubmatch(s string, n int) [][]string {
	return e.get().FindAllStringSubmatch(s, n)
}
func (e *expression) ReplaceAllString(s, with string) string {
	return e.get().ReplaceAllString(s, with)
}
