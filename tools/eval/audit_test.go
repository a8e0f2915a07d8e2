package main

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tiercel/tiercel/audit/finding"
)

func TestTouches(t *testing.T) {
	label := claim{Line: 10, EndLine: 11, Text: "rm -rf", Claim: "`sudo rm -rf /x` cleans up"}
	for _, c := range []struct {
		f    judged
		want bool
	}{
		{judged{Line: 10, EndLine: 10, Text: "sudo rm -rf /x"}, true},
		{judged{Line: 11, EndLine: 11, Text: "rm"}, true},
		{judged{Line: 11, EndLine: 11, Text: "cleans up"}, true},
		{judged{Line: 11, EndLine: 11, Text: "chmod"}, false},
		{judged{Line: 9, EndLine: 9, Text: "rm -rf"}, false},
		{judged{Line: 12, EndLine: 13, Text: "rm -rf"}, false},
		{judged{Line: 9, EndLine: 12, Text: "rm -rf"}, true},
		{judged{Line: 9, EndLine: 13, Text: "rm -rf"}, false},
	} {
		if got := touches(c.f, label); got != c.want {
			t.Errorf("%+v: %v", c.f, got)
		}
	}
	if !touches(judged{Line: 10, EndLine: 10, Text: "anything"}, claim{Line: 10, EndLine: 10}) {
		t.Error("a label without words takes any finding of its line")
	}
}

func TestMatchingAndScore(t *testing.T) {
	on := func(line int, j finding.Judgement) judged {
		return judged{Line: line, EndLine: line, Text: "x", Judgement: j}
	}
	is := func(line int, j finding.Judgement) claim { return claim{Line: line, EndLine: line, Judgement: j} }
	const s, u, n, c, b, h = finding.Supported, finding.Unchecked, finding.Unsupported, finding.Contradicted, finding.Broken, finding.Harmful
	labels := []claim{is(1, s), is(1, c), is(2, h), is(3, b), is(4, c), is(5, s), is(6, n), is(7, s)}
	findings := []judged{
		on(1, c), on(1, s), // each to its own, whatever the order
		on(2, b), // wrong in another way: found
		on(3, n), // not an alarm; another counting takes it
		on(5, h), // an alarm on what is true
		on(6, c), // right only in the other counting
		on(9, u), // speaks of nothing that is labelled
	}
	m := matching(labels, findings, alarming)
	if want := []int{1, 0, 2, 3, -1, 4, 5, -1}; !slices.Equal(m.of, want) {
		t.Errorf("matched %v, want %v", m.of, want)
	}
	got := m.score(labels, findings)
	want := score{pair: pair{found: ratio{2, 4}, right: ratio{2, 4}}, calm: ratio{2, 3}, confirmed: ratio{1, 3}, unlabelled: 1}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	other := matching(labels, findings, doubtful).score(labels, findings).pair
	if want := (pair{found: ratio{3, 4}, right: ratio{3, 4}}); other != want {
		t.Errorf("unsupported counted too: %+v, want %+v", other, want)
	}
}

func TestAims(t *testing.T) {
	fine := score{lenient: pair{found: ratio{90, 100}, right: ratio{95, 100}}, calm: ratio{90, 100}, confirmed: ratio{50, 100}}
	if fine.missesAim() {
		t.Error("all aims are reached")
	}
	for i, miss := range []func(*score){
		func(s *score) { s.lenient.found.n-- }, func(s *score) { s.lenient.right.n-- }, func(s *score) { s.calm.n-- }, func(s *score) { s.confirmed.n-- },
		func(s *score) { s.lenient.right = ratio{} },
	} {
		s := fine
		if miss(&s); !s.missesAim() {
			t.Error(fmt.Sprint(i), "an aim is missed")
		}
	}
}
