// Package expr has regular expressions that are compiled when they are first needed:
// a program that never audits does not pay for them.
package expr

import (
	"regexp"
	"sync"
)

// Expr is such an expression; its methods are those of regexp.Regexp.
type Expr struct {
	once sync.Once
	text string
	re   *regexp.Regexp
}

// New returns an expression. One that does not compile panics when it is first
// used, as it is ours.
func New(text string) *Expr { return &Expr{text: text} }

func (e *Expr) get() *regexp.Regexp {
	e.once.Do(func() { e.re = regexp.MustCompile(e.text) })
	return e.re
}

// MatchString is that of regexp.Regexp.
func (e *Expr) MatchString(s string) bool { return e.get().MatchString(s) }

// FindString is that of regexp.Regexp.
func (e *Expr) FindString(s string) string { return e.get().FindString(s) }

// FindStringIndex is that of regexp.Regexp.
func (e *Expr) FindStringIndex(s string) []int { return e.get().FindStringIndex(s) }

// FindStringSubmatch is that of regexp.Regexp.
func (e *Expr) FindStringSubmatch(s string) []string { return e.get().FindStringSubmatch(s) }

// FindStringSubmatchIndex is that of regexp.Regexp.
func (e *Expr) FindStringSubmatchIndex(s string) []int {
	return e.get().FindStringSubmatchIndex(s)
}

// FindAllString is that of regexp.Regexp.
func (e *Expr) FindAllString(s string, n int) []string { return e.get().FindAllString(s, n) }

// FindAllIndex is that of regexp.Regexp.
func (e *Expr) FindAllIndex(b []byte, n int) [][]int { return e.get().FindAllIndex(b, n) }

// FindAllStringSubmatch is that of regexp.Regexp.
func (e *Expr) FindAllStringSubmatch(s string, n int) [][]string {
	return e.get().FindAllStringSubmatch(s, n)
}

// ReplaceAllString is that of regexp.Regexp.
func (e *Expr) ReplaceAllString(s, with string) string {
	return e.get().ReplaceAllString(s, with)
}

// FindAllStringIndex is that of regexp.Regexp.
func (e *Expr) FindAllStringIndex(s string, n int) [][]int { return e.get().FindAllStringIndex(s, n) }

// FindAllStringSubmatchIndex is that of regexp.Regexp.
func (e *Expr) FindAllStringSubmatchIndex(s string, n int) [][]int {
	return e.get().FindAllStringSubmatchIndex(s, n)
}

// Match is that of regexp.Regexp.
func (e *Expr) Match(b []byte) bool { return e.get().Match(b) }

// ReplaceAllStringFunc is that of regexp.Regexp.
func (e *Expr) ReplaceAllStringFunc(s string, with func(string) string) string {
	return e.get().ReplaceAllStringFunc(s, with)
}

// Find is that of regexp.Regexp.
func (e *Expr) Find(b []byte) []byte { return e.get().Find(b) }

// FindSubmatch is that of regexp.Regexp.
func (e *Expr) FindSubmatch(b []byte) [][]byte { return e.get().FindSubmatch(b) }
