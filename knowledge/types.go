// Package knowledge holds what Tiercel knows about Falco's rules, fields and
// techniques, about signs of attack and about counter-measures. It is data:
// YAML files under data/, checked by Lint and described in README.md. No Go
// code knows a rule by name.
package knowledge

import "github.com/tiercel/tiercel/condition"

// Sentence is one sentence of a report, with what has to hold for it.
type Sentence struct {
	Say     string   `yaml:"say" json:"say"`
	When    string   `yaml:"when,omitempty" json:"when,omitempty"`
	Sources []string `yaml:"sources,omitempty" json:"sources,omitempty"`
	Attack  string   `yaml:"attack,omitempty" json:"attack,omitempty"` // a technique id

	Template Template             `yaml:"-" json:"-"`
	Cond     *condition.Condition `yaml:"-" json:"-"`
}

// Profile is what is known about one Falco rule.
type Profile struct {
	Rule           string          `yaml:"rule" json:"rule"`
	Status         string          `yaml:"status" json:"status"` // reviewed or draft
	Maturity       string          `yaml:"maturity" json:"maturity"`
	Source         string          `yaml:"source" json:"source"`
	Priority       string          `yaml:"priority" json:"priority"`
	Message        string          `yaml:"message" json:"message"`
	Base           int             `yaml:"base" json:"base"`       // 0 to 10
	Success        string          `yaml:"success" json:"success"` // implied, stated, open
	Attack         []AttackRef     `yaml:"attack" json:"attack"`
	Headline       string          `yaml:"headline" json:"headline"`
	Saw            []Sentence      `yaml:"saw" json:"saw"`
	Means          []Sentence      `yaml:"means" json:"means"`
	Misuse         []Sentence      `yaml:"misuse" json:"misuse"`
	Ordinary       []Sentence      `yaml:"ordinary" json:"ordinary"`
	Limits         []Sentence      `yaml:"limits" json:"limits"`
	Unknown        []Question      `yaml:"unknown" json:"unknown"`
	Look           []Action        `yaml:"look" json:"look"`
	Controls       []string        `yaml:"controls" json:"controls"`
	EventGenerator *EventGenerator `yaml:"event_generator,omitempty" json:"event_generator,omitempty"`
	Sources        []string        `yaml:"sources" json:"sources"`

	HeadlineTemplate Template `yaml:"-" json:"-"`
	// Conditions are those of all sentences, looks and questions.
	Conditions []*condition.Condition `yaml:"-" json:"-"`
}

// Reviewed reports whether the profile may be shown as one.
func (p *Profile) Reviewed() bool { return p != nil && p.Status == "reviewed" }

// AttackRef names an ATT&CK technique or tactic of a rule.
type AttackRef struct {
	ID     string `yaml:"id" json:"id"`
	Tagged bool   `yaml:"tagged,omitempty" json:"tagged,omitempty"` // it is among the rule's own tags
}

// Question is something that the alert does not tell.
type Question struct {
	Question string   `yaml:"question" json:"question"`
	Field    string   `yaml:"field,omitempty" json:"field,omitempty"` // asked only while this is missing
	Ask      string   `yaml:"ask" json:"ask"`
	When     string   `yaml:"when,omitempty" json:"when,omitempty"`
	Sources  []string `yaml:"sources" json:"sources"`

	Cond     *condition.Condition `yaml:"-" json:"-"`
	Template Template             `yaml:"-" json:"-"`
	Answer   Template             `yaml:"-" json:"-"` // of Ask
}

// Action is something to do: a command, a pipe, a file to write or to remove.
type Action struct {
	Say     string     `yaml:"say,omitempty" json:"say,omitempty"`
	When    string     `yaml:"when,omitempty" json:"when,omitempty"`
	Sources []string   `yaml:"sources,omitempty" json:"sources,omitempty"`
	Run     []string   `yaml:"run,omitempty" json:"run,omitempty"`
	Pipe    [][]string `yaml:"pipe,omitempty" json:"pipe,omitempty"`
	File    *File      `yaml:"file,omitempty" json:"file,omitempty"`
	Remove  string     `yaml:"remove,omitempty" json:"remove,omitempty"`
	Expect  string     `yaml:"expect,omitempty" json:"expect,omitempty"`

	Template Template             `yaml:"-" json:"-"`
	Result   Template             `yaml:"-" json:"-"` // of Expect
	Cond     *condition.Condition `yaml:"-" json:"-"`
}

// File is a file that a step writes.
type File struct {
	Path    string `yaml:"path" json:"path"`
	Mode    string `yaml:"mode,omitempty" json:"mode,omitempty"`
	Syntax  string `yaml:"syntax" json:"syntax"`
	Content string `yaml:"content" json:"content"`
}

// EventGenerator says how falcosecurity/event-generator sets a rule off.
type EventGenerator struct {
	Action string `yaml:"action" json:"action"`
	When   string `yaml:"when" json:"when"`

	Cond *condition.Condition `yaml:"-" json:"-"`
}

// Need is a precondition of a control.
type Need struct {
	Say     string   `yaml:"say" json:"say"`
	Check   []string `yaml:"check,omitempty" json:"check,omitempty"`
	Kernel  string   `yaml:"kernel,omitempty" json:"kernel,omitempty"`
	Package string   `yaml:"package,omitempty" json:"package,omitempty"`
	Command string   `yaml:"command,omitempty" json:"command,omitempty"`
	LSM     string   `yaml:"lsm,omitempty" json:"lsm,omitempty"`
	File    string   `yaml:"file,omitempty" json:"file,omitempty"`
	Sources []string `yaml:"sources,omitempty" json:"sources,omitempty"`

	Template Template `yaml:"-" json:"-"`
}

// Control is a counter-measure.
type Control struct {
	ID       string    `yaml:"control" json:"control"`
	Title    string    `yaml:"title" json:"title"`
	Goal     string    `yaml:"goal" json:"goal"`   // contain, collect, prevent, detect
	Scope    string    `yaml:"scope" json:"scope"` // host, container, kubernetes
	When     string    `yaml:"when,omitempty" json:"when,omitempty"`
	Say      Sentences `yaml:"say" json:"say"`
	Needs    []Need    `yaml:"needs,omitempty" json:"needs,omitempty"`
	Effects  Sentences `yaml:"effects" json:"effects"`
	Steps    []Action  `yaml:"steps" json:"steps"`
	Check    []Action  `yaml:"check,omitempty" json:"check,omitempty"`
	Undo     []Action  `yaml:"undo,omitempty" json:"undo,omitempty"`
	ReadOnly bool      `yaml:"read_only,omitempty" json:"read_only,omitempty"`
	Stops    struct {
		Techniques []string `yaml:"techniques,omitempty" json:"techniques,omitempty"`
	} `yaml:"stops,omitempty" json:"stops"`
	Gaps     Sentences `yaml:"gaps,omitempty" json:"gaps,omitempty"`
	Verified string    `yaml:"verified" json:"verified"`
	Sources  []string  `yaml:"sources" json:"sources"`

	Cond *condition.Condition `yaml:"-" json:"-"`
}

// FieldInfo is what is known about a field of an alert.
type FieldInfo struct {
	Field    string    `yaml:"field" json:"field"`
	Type     string    `yaml:"type" json:"type"`
	Means    string    `yaml:"means" json:"means"`
	Read     []Reading `yaml:"read,omitempty" json:"read,omitempty"`
	Decode   string    `yaml:"decode,omitempty" json:"decode,omitempty"`
	Shape    string    `yaml:"shape,omitempty" json:"shape,omitempty"`
	Volatile bool      `yaml:"volatile,omitempty" json:"volatile,omitempty"`
	// Target marks a field that names the object of the event: alerts that
	// differ only there, and that get the same verdict, are of one kind.
	Target  bool     `yaml:"target,omitempty" json:"target,omitempty"`
	Text    []string `yaml:"text,omitempty" json:"text,omitempty"`
	Get     string   `yaml:"get,omitempty" json:"get,omitempty"`
	Sources []string `yaml:"sources" json:"sources"`

	shape *lazyRegexp
}

// Reading says what a value of a field means.
type Reading struct {
	When    string   `yaml:"when" json:"when"`
	Say     string   `yaml:"say" json:"say"`
	Sources []string `yaml:"sources,omitempty" json:"sources,omitempty"`

	Cond     *condition.Condition `yaml:"-" json:"-"`
	Template Template             `yaml:"-" json:"-"`
}

// Sign speaks for attack, test or ordinary work.
type Sign struct {
	ID      string   `yaml:"sign" json:"sign"`
	Towards string   `yaml:"towards" json:"towards"` // attack, test, benign
	Group   string   `yaml:"group" json:"group"`
	Weight  int      `yaml:"weight" json:"weight"`
	When    string   `yaml:"when" json:"when"`
	Say     string   `yaml:"say" json:"say"`
	Sources []string `yaml:"sources" json:"sources"`

	Cond     *condition.Condition `yaml:"-" json:"-"`
	Template Template             `yaml:"-" json:"-"`
	// Context is the file and line of a sign that the user's --context brought.
	Context string `yaml:"-" json:"-"`
}

// Technique is an ATT&CK tactic or technique.
type Technique struct {
	ID      string   `yaml:"id" json:"id"`
	Name    string   `yaml:"name" json:"name"`
	Tactics []string `yaml:"tactics,omitempty" json:"tactics,omitempty"`
}

// Source is something that can be looked up.
type Source struct {
	ID    string `yaml:"id" json:"id"`
	Title string `yaml:"title" json:"title"`
	URL   string `yaml:"url" json:"url"`
	Note  string `yaml:"note,omitempty" json:"note,omitempty"`
}
