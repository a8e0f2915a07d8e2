// Package finding has what the parts of audit share: what is said of one claim
// or one command of a report.
package finding

import (
	"cmp"
	"slices"

	"github.com/tiercel/tiercel/evidence"
)

// Kind is what is judged.
type Kind string

// The kinds.
const (
	Fact      Kind = "fact"      // a value that the alert has
	Identity  Kind = "identity"  // an id or a name that exists outside of the alert: ATT&CK, CVE, rule, field, product
	Inference Kind = "inference" // what is concluded
	Command   Kind = "command"   // something to run
	Config    Kind = "config"    // something to write into a file
	Omission  Kind = "omission"  // what a reader needed and did not get
)

// Judgement says whether it holds.
type Judgement string

// The judgements, from good to bad.
const (
	Supported    Judgement = "supported"
	Unchecked    Judgement = "unchecked"    // could not be checked: not in the catalogue, or nothing to hold it against
	Unsupported  Judgement = "unsupported"  // may be true, but nothing carries it
	Contradicted Judgement = "contradicted" // something says otherwise
	Broken       Judgement = "broken"       // does not work as written
	Harmful      Judgement = "harmful"      // would damage or weaken the host; outranks all
)

var ranks = []Judgement{Supported, Unchecked, Unsupported, Contradicted, Broken, Harmful}

// Rank orders judgements from good, 0, to bad; -1 for what is none.
func (j Judgement) Rank() int { return slices.Index(ranks, j) }

// Bad reports whether a report with such a finding must not be followed.
func (j Judgement) Bad() bool { return j.Rank() >= Contradicted.Rank() }

// Finding is what is said of one claim or one command.
type Finding struct {
	Start, End int // byte offsets into the report: the exact words
	Kind       Kind
	Judgement  Judgement
	Reason     evidence.Statement // why, with evidence; for Unchecked it says what is missing
	Suggestion string             // the correct thing, "" when it is not known; our own words or a checked command
}

// Sort orders findings by place; of the same place, the worst first.
func Sort(list []Finding) {
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End), cmp.Compare(b.Judgement.Rank(), a.Judgement.Rank()))
	})
}
