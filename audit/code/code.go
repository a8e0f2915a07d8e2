// Package code judges the commands and the configuration of a report: whether
// they parse, whether what they name exists, whether they do what they are
// meant to do, and whether they do harm.
package code

import (
	"strings"
	"time"

	"github.com/tiercel/tiercel/audit/expr"
	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/knowledge/catalogue"
)

// Block is a block of code, or a code span, of a report.
type Block struct {
	Language string            // info string of the fence, "" unknown
	Text     string            // offsets of findings are into it
	Intro    string            // heading and paragraph before it, or around a span
	Inline   bool              // a code span
	Before   string            // the text of the blocks of the report before it
	Facts    map[string]string // fields of the alert by name, nil when none are known
	Time     time.Time         // of the event; zero when it is not known
	Zone     *time.Duration    // of the host: what its clock is ahead of UTC; nil when it is not known
	// Alert is what the purposes of commands are held against; nil for none:
	// then a command that exists is supported.
	Alert condition.Values
	// Own reports whether Tiercel itself gives a command, in plain words, for
	// this alert; may be nil.
	Own func(plain string) bool
}

// Checker judges blocks. It may be used by several goroutines.
type Checker struct {
	cat *catalogue.Catalogue
}

// Open returns a Checker that reads c.
func Open(c *catalogue.Catalogue) *Checker { return &Checker{cat: c} }

// maxBlock bounds what is parsed of one block, in bytes; what lies behind it is
// reported as not checked. No block that a person can read is that long.
const maxBlock = 64 << 10

// maxFindings bounds the findings of one block; the rest of it is reported as
// not checked.
const maxFindings = 2000

// check is the work on one block.
type check struct {
	*Checker
	b     Block
	text  string // b.Text, as far as it is read
	found []finding.Finding
	depth int // of commands within commands
}

// Check returns what is said of each command and each line of a block, sorted
// by place.
func (c *Checker) Check(b Block) []finding.Finding {
	k := &check{Checker: c, b: b, text: b.Text}
	if len(k.text) > maxBlock {
		cut := maxBlock
		if i := strings.LastIndexByte(k.text[:cut], '\n'); i > 0 {
			cut = i
		}
		k.text = k.text[:cut]
		k.add(cut, len(b.Text), finding.Config, issue{finding.Unchecked, say("The block is too long; this part of it was not checked."), own, ""})
	}
	if b.Inline && k.quoted() {
		return nil
	}
	switch form := k.form(); form {
	case "":
	case "shell":
		k.shell()
	default:
		k.config(form)
	}
	k.spare()
	finding.Sort(k.found)
	if len(k.found) > maxFindings {
		at := k.found[maxFindings].Start
		k.found = k.found[:maxFindings]
		k.add(at, len(b.Text), finding.Config, issue{finding.Unchecked, say("There are too many lines; from here on the block was not checked."), own, ""})
	}
	return k.found
}

// quoted reports whether a code span repeats what the alert says: then it is a
// fact and nobody's advice.
func (k *check) quoted() bool {
	text := strings.TrimSpace(k.b.Text)
	if len(text) < 3 {
		return false
	}
	for _, v := range k.b.Facts {
		if strings.Contains(v, text) {
			return true
		}
	}
	return false
}

var (
	// warned stands before a command that the writer warns of.
	warned = expr.New(`(?i)\b(?:not|never|avoid\w*|don't|dont|won't|shouldn't|without|instead of|rather than|against|refrain\w*|forbid\w*|no need to|dangerous|discourag\w+)\b[^.!?\n]*$`)
	// forbidden stands before a block that the writer warns of.
	forbidden = expr.New(`(?i)\b(?:(?:do not|don't|dont|should not|shouldn't|must not|cannot|can't)(?: ever| simply| just)? (?:run|use|execute|type|do|try|issue|apply|copy|follow|enter|rely)|never|avoid|refrain from|instead of|rather than|warn(?:ing)? against)\b(?: [\w'",-]+){0,7}$`)
	// account stands before a block that shows what was run.
	account = expr.New(`(?i)(?:\b(?:attackers?|adversary|intruder|malware|user|process|container|script)\b[^.\n]{0,40}\b(?:ran|executed|typed|used|issued|launched|invoked)\b|\bcommands?\b[^.\n]{0,30}\b(?:was|were)\b[^.\n]{0,20}\b(?:run|executed|used|recorded|observed|seen)\b)[^.,\n]{0,40}$`)
	// told stands before a command that somebody is said to have run.
	told = expr.New(`(?i)\b(?:attackers?|adversar\w+|intruders?|malware|threat actors?|was (?:run|executed|used|called)|were (?:run|executed)|executed|ran|running|observed|detected|such as|for example|e\.g\.|like|signs? of|indicat\w+|command line|which is what|shows|typed|invoked|spawned|would (?:run|use)|could (?:run|use))\b[^.!?\n]*$`)
)

// spare takes back what would be said of harm where the writer warns of a
// command, or says that somebody ran it.
func (k *check) spare() {
	intro := strings.TrimRight(k.b.Intro, " \t\n:`*")
	if k.b.Inline {
		span := strings.TrimSpace(k.b.Text)
		i := strings.Index(intro, span)
		if i < 0 {
			return
		}
		intro = intro[:i]
	}
	if i := strings.LastIndexByte(intro, '\n'); i >= 0 {
		intro = intro[i+1:]
	}
	intro = strings.TrimRight(intro, " `*")
	spared := forbidden.MatchString(intro) || account.MatchString(intro)
	if k.b.Inline {
		spared = warned.MatchString(intro) || told.MatchString(intro)
	}
	if !spared {
		return
	}
	kept := k.found[:0]
	for _, f := range k.found {
		if f.Judgement != finding.Harmful && f.Judgement != finding.Unsupported {
			kept = append(kept, f)
		}
	}
	k.found = kept
}

// issue is one thing to say of a command or a line.
type issue struct {
	judgement finding.Judgement
	spans     []evidence.Span
	sources   []string
	suggest   string
}

// own is the source of what needs none but the text itself.
var own = []string{"catalogue"}

// say makes a sentence: {} are replaced by values, which come from the report
// and may be hostile.
func say(format string, values ...string) []evidence.Span {
	var spans []evidence.Span
	for i, part := range strings.Split(format, "{}") {
		if i > 0 && i <= len(values) {
			spans = append(spans, evidence.Span{Text: values[i-1], Value: true})
		}
		if part != "" {
			spans = append(spans, evidence.Span{Text: part})
		}
	}
	return spans
}

func (k *check) add(start, end int, kind finding.Kind, i issue) {
	for end > start && strings.IndexByte(" \t\r\n", k.b.Text[end-1]) >= 0 {
		end--
	}
	for start < end && strings.IndexByte(" \t\r\n", k.b.Text[start]) >= 0 {
		start++
	}
	if start >= end {
		return
	}
	var because []evidence.Evidence
	for _, ref := range i.sources {
		because = append(because, evidence.Evidence{Kind: evidence.Source, Ref: ref})
	}
	k.found = append(k.found, finding.Finding{Start: start, End: end, Kind: kind, Judgement: i.judgement,
		Reason: evidence.Statement{Spans: i.spans, Evidence: because}, Suggestion: i.suggest})
}

func broken(sources []string, suggest, format string, values ...string) issue {
	return issue{finding.Broken, say(format, values...), sources, suggest}
}

func unchecked(format string, values ...string) issue {
	return issue{finding.Unchecked, say(format, values...), own, ""}
}

func src(ids ...string) []string { return ids }
