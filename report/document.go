// Package report turns an analysis into a Document: the one model that every
// renderer (package render) shows. Nothing in it is escaped; escaping is each
// renderer's duty.
package report

import (
	"time"

	"github.com/tiercel/tiercel/evidence"
)

// Input says what was read: the frame around all documents.
type Input struct {
	Files  []string `json:"files"`
	Alerts int      `json:"alerts"` // alerts understood, repeats included
	// Matched counts the alerts left after the user's filters.
	Matched int `json:"matched"`
	// Passed counts lines that are no alert: start-up lines, pasted terminals.
	Passed int      `json:"passed"`
	Broken []Broken `json:"broken"`
	// BrokenTotal counts all broken records, also those beyond the ones named.
	BrokenTotal int `json:"broken_total"`
	// Kinds counts the kinds of alert found; Unreported those that came out
	// without a report of their own because of Limit.
	Kinds      int `json:"kinds"`
	Unreported int `json:"unreported"`
	Limit      int `json:"limit"`
	// Reports are the reports to come, without their sections, in their order:
	// for a list of them at the beginning.
	Reports []*Document `json:"-"`
	// Overflow counts the alerts whose kind is beyond what is kept apart.
	Overflow int `json:"overflow"`
	// Incidents counts what the kinds were put together to; Repeated the
	// deliveries of alerts that had been delivered before; Forgotten the links
	// that were given up for want of room, and Late the alerts that came too long
	// after later ones: there an incident may be split.
	Incidents int `json:"incidents"`
	Repeated  int `json:"repeated"`
	Forgotten int `json:"forgotten"`
	Late      int `json:"late"`
}

// Broken names one record that could not be read.
type Broken struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

// Document is the report on an incident: on one kind of alert or on several.
type Document struct {
	ID       string // stable: from the alert's fields alone
	Title    string
	Headline evidence.Statement // one line for a person on call
	Severity string             // critical, high, medium, low, info
	Verdict  Verdict
	Alerts   Alerts
	Standing Standing
	Sections []Section // empty when the document is only listed, not reported
}

// Verdict is what we think it was.
type Verdict struct {
	Class      string  // attack, suspicious, test, benign, unknown
	Confidence float64 // 0 to 1
	Reasons    []evidence.Statement
	Unknowns   []evidence.Statement
}

// Standing is how the alerts of a document stand among all others.
type Standing struct {
	// New is set when some of it was not seen in earlier runs; nil when these
	// are not known.
	New  *bool
	Rare bool // few among many alerts of the same rule and program
	// Further counts incidents that only repeat this one elsewhere and are
	// folded into it. Count and times of the document include them.
	Further    int
	Statements []evidence.Statement // what of this can be said, with evidence
}

// Alerts says which alerts the document speaks of.
type Alerts struct {
	Count       int
	Repeats     int       // deliveries of an alert that had been delivered before; not in Count
	Kinds       int       // kinds of alert; 0 is one
	First, Last time.Time // zero when no alert had a time
	// Each is one entry an alert, in the order of the input; nil when the
	// caller did not ask for them.
	Each []AlertRef
	Rule string             // "" when there are several
	Why  evidence.Statement // why these alerts belong together
}

// AlertRef names one alert of the input.
type AlertRef struct {
	File string
	Line int
	UUID string // as delivered, "" when there is none
	Time time.Time
	// Repeat is set for an alert that had been delivered before.
	Repeat bool
	Rule   string              // "": that of all
	Why    *evidence.Statement // nil: that of all
	file   int
}

// The ids of the sections, in the order in which they are shown.
const (
	Summary         = "summary"
	EventDetails    = "event_details"
	PossibleMisuse  = "possible_misuse"
	Mitigation      = "mitigation"
	Unknown         = "unknown"
	Conclusion      = "conclusion"
	Recommendations = "recommendations"
	EvidenceList    = "evidence"
)

// Section is one heading of a report and what stands below it.
type Section struct {
	ID     string
	Title  string
	Blocks []Block
}

// Block is one of: Heading, Paragraph, List, Table, Timeline, Tree, Steps, References.
type Block interface{ block() }

// Heading stands over the block that follows it, below the section's title.
type Heading struct{ Text string }

// Paragraph is one or more statements that read as running text.
type Paragraph struct{ Statements []evidence.Statement }

// List is a list of statements.
type List struct {
	Ordered bool
	Items   []evidence.Statement
}

// Table shows fields of the alert: name, exact value, what it means.
type Table struct{ Rows []Row }

// Row is one field of the alert.
type Row struct {
	Field    string
	Value    string             // exact; hostile
	Null     bool               // the alert has null there; Value is ""
	Meaning  evidence.Statement // may be Empty
	Evidence evidence.Evidence
}

// Steps are things to do under one heading ("Contain", "Collect evidence", …).
type Steps struct {
	Title string
	Items []Step
}

// Step is one thing to do.
type Step struct {
	Title     string             // short, our own words
	Control   string             // id of the control, "" for a look at the host
	Say       evidence.Statement // what it does and why it fits
	Needs     []evidence.Statement
	Effects   []evidence.Statement // what it breaks or costs
	Code      []Code               // what to do
	Expect    []evidence.Statement // how to read what Code prints
	Check     []Code               // how to see that it works
	Undo      []Code               // how to take it back
	Fit       string               // "", "fits", "does not fit", "in force": set with --observe only
	FitReason evidence.Statement
}

// Code is a command or a file, ready to copy. Text is already quoted for its
// language, with values of the alert inside the quotes.
type Code struct {
	Language string // sh, yaml, json, conf
	Text     string
	Note     evidence.Statement // may be Empty
}

// References is the numbered list that [n] in the text refers to.
type References struct{ Items []Reference }

// Reference is one numbered piece of evidence.
type Reference struct {
	Number   int
	Evidence evidence.Evidence
	Title    string // of a source
	URL      string // of a source
}

func (Heading) block()    {}
func (Paragraph) block()  {}
func (List) block()       {}
func (Table) block()      {}
func (Steps) block()      {}
func (References) block() {}
