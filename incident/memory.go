package incident

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// MemorySchema names the form in which a Memory is written.
const MemorySchema = "tiercel/memory/v1"

// memoryKept bounds how many patterns a Memory holds; the ones seen last stay.
const memoryKept = 100_000

// Memory is which patterns were seen in earlier runs, so that a run can tell
// what is new. A pattern counts with the class of its verdict: what was noise
// and is suspicious now is new.
type Memory struct {
	Schema    string                 `json:"schema"`
	Runs      int                    `json:"runs"`
	Last      time.Time              `json:"last"` // when the last run was
	Forgotten int                    `json:"forgotten"`
	Patterns  map[string]*Remembered `json:"patterns"`
}

// Remembered is what is held of a pattern.
type Remembered struct {
	Rule  string    `json:"rule"`
	First time.Time `json:"first"` // of its alerts; zero when none had a time
	Last  time.Time `json:"last"`
	Run   int       `json:"run"` // the last one that saw it
	Times int       `json:"times"`
}

// ReadMemory reads what WriteMemory of an earlier run wrote.
func ReadMemory(text []byte) (*Memory, error) {
	var m Memory
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("not a memory of earlier runs: %w", err)
	}
	if m.Schema != MemorySchema {
		return nil, fmt.Errorf("has schema %q; this Tiercel reads %q", m.Schema, MemorySchema)
	}
	if m.Patterns == nil {
		m.Patterns = map[string]*Remembered{}
	}
	for key, r := range m.Patterns {
		if r == nil {
			return nil, fmt.Errorf("pattern %q is null", key)
		}
	}
	return &m, nil
}

// NewMemory is that before the first run.
func NewMemory() *Memory { return &Memory{Schema: MemorySchema, Patterns: map[string]*Remembered{}} }

// Recall returns what is remembered of the pattern of a kind, nil when it is
// new.
func (m *Memory) Recall(k *Kinds, kind *Kind) *Remembered {
	return m.Patterns[k.memoryKey(kind)]
}

func (k *Kinds) memoryKey(kind *Kind) string {
	return fmt.Sprintf("%016x", k.patterns[kind.pattern].Stable)
}

// Write returns the memory after this run, at the time now.
func (m *Memory) Write(k *Kinds, now time.Time) ([]byte, error) {
	next := &Memory{Schema: MemorySchema, Runs: m.Runs + 1, Last: now.UTC(), Forgotten: m.Forgotten,
		Patterns: make(map[string]*Remembered, len(m.Patterns))}
	for key, r := range m.Patterns {
		old := *r
		next.Patterns[key] = &old
	}
	for _, kind := range k.byKey {
		if k.patterns[kind.pattern].Stable == 0 {
			continue
		}
		key := k.memoryKey(kind)
		r := next.Patterns[key]
		if r == nil {
			r = &Remembered{Rule: k.Rule(kind)}
			next.Patterns[key] = r
		}
		if r.Run != next.Runs {
			r.Run = next.Runs
			r.Times++
		}
		if t := kind.First(); !t.IsZero() && (r.First.IsZero() || t.Before(r.First)) {
			r.First = t
		}
		if t := kind.Last(); t.After(r.Last) {
			r.Last = t
		}
	}
	next.forget()
	return json.MarshalIndent(next, "", " ")
}

// forget drops the patterns that were not seen for longest, beyond the limit.
func (m *Memory) forget() {
	over := len(m.Patterns) - memoryKept
	if over <= 0 {
		return
	}
	keys := make([]string, 0, len(m.Patterns))
	for key := range m.Patterns {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(x, y string) int {
		a, b := m.Patterns[x], m.Patterns[y]
		return cmp.Or(cmp.Compare(a.Run, b.Run), a.Last.Compare(b.Last), cmp.Compare(x, y))
	})
	for _, key := range keys[:over] {
		delete(m.Patterns, key)
	}
	m.Forgotten += over
}
