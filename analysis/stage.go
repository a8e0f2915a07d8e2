package analysis

import (
	"strings"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/knowledge"
)

// Tactic is a stage of an intrusion: an ATT&CK tactic, 0 when none is known.
type Tactic uint8

// tactics in the order in which an intrusion mostly goes through them;
// docs/triage.md gives the reason for it.
var tactics = [...]string{"", "reconnaissance", "resource-development", "initial-access", "execution", "discovery",
	"credential-access", "privilege-escalation", "persistence", "defense-evasion", "lateral-movement",
	"command-and-control", "collection", "exfiltration", "impact"}

// Impact is the tactic of what destroys.
const Impact = Tactic(len(tactics) - 1)

func (t Tactic) String() string { return strings.ReplaceAll(tactics[t], "-", " ") }

func parseTactic(name string) Tactic {
	name = strings.ToLower(strings.NewReplacer(" ", "-", "_", "-").Replace(name))
	for i, t := range tactics {
		if i > 0 && t == name {
			return Tactic(i)
		}
	}
	return 0
}

// tactic is the stage that an alert's rule belongs to: that of its profile's
// closest technique, or without a profile of the rule's own tags.
func (z *Analyzer) tactic(a *alert.Alert, p *knowledge.Profile) Tactic {
	if p.Reviewed() {
		for _, ref := range p.Attack {
			t := z.base.Technique(ref.ID)
			if t == nil {
				continue
			}
			names := t.Tactics
			if len(names) == 0 {
				names = []string{t.Name}
			}
			if found := parseTactic(names[0]); found != 0 {
				return found
			}
		}
	}
	for _, tag := range a.Tags {
		if name, ok := strings.CutPrefix(tag, "mitre_"); ok {
			if found := parseTactic(name); found != 0 {
				return found
			}
		}
	}
	return 0
}

// Signs are the true signs of attack: for each of up to 16 groups the weight
// of its strongest one, four bits each.
type Signs uint64

const signSlots = 16

func (s Signs) with(slot uint8, weight int) Signs {
	shift := 4 * uint(slot)
	if w := Signs(min(weight, 15)); w > s>>shift&15 {
		s = s&^(15<<shift) | w<<shift
	}
	return s
}

// With adds the signs of another alert: of each group the strongest.
func (s Signs) With(o Signs) Signs {
	for slot := range uint8(signSlots) {
		s = s.with(slot, int(o>>(4*uint(slot))&15))
	}
	return s
}

// Groups is how many groups have a true sign.
func (s Signs) Groups() (n int) {
	for ; s > 0; s >>= 4 {
		if s&15 > 0 {
			n++
		}
	}
	return n
}

// Sum is what the strongest signs of all groups add up to.
func (s Signs) Sum() (n int) {
	for ; s > 0; s >>= 4 {
		n += int(s & 15)
	}
	return n
}
