package code

import (
	"strings"
	"time"
)

// stamps are the forms of a time that tools for logs read; without a zone it is
// the host's local time.
var stamps = []struct {
	layout string
	zoned  bool
}{
	{time.RFC3339Nano, true}, {"2006-01-02 15:04:05 UTC", true}, {"2006-01-02 15:04 UTC", true},
	{"2006-01-02T15:04:05", false}, {"2006-01-02 15:04:05", false}, {"2006-01-02 15:04", false}, {"2006-01-02", false},
	{"01/02/2006 15:04:05", false}, {"01/02/2006 15:04", false}, {"01/02/2006", false},
}

// bound is an end of a window; it is in UTC if its zone is given.
type bound struct {
	at    time.Time
	zoned bool
}

func readStamp(s string) (bound, bool) {
	for _, l := range stamps {
		if t, err := time.Parse(l.layout, strings.TrimSpace(s)); err == nil {
			return bound{t.UTC(), l.zoned}, true
		}
	}
	return bound{}, false
}

// aroundTheWorld is how far a clock of unknown zone may be off.
const aroundTheWorld = 14 * time.Hour

// slack is what a writer who rounds may be off.
const slack = time.Minute

// window sees a search for times in which the event is not.
func (v *viewer) window(c *command) {
	if v.b.Time.IsZero() {
		return
	}
	var from, to string
	args := c.args()
	for i, w := range args {
		option, value, has := strings.Cut(w.text, "=")
		if !has && i+1 < len(args) {
			value = args[i+1].text
			// ausearch takes date and clock as two words.
			if c.name() == "ausearch" && i+2 < len(args) && strings.Contains(args[i+2].text, ":") {
				value += " " + args[i+2].text
			}
		}
		switch option {
		case "--since", "-S", "--since-time", "-ts", "--start":
			from = value
		case "--until", "-U", "-te", "--end":
			to = value
		}
	}
	event := v.b.Time.UTC()
	outside := func(s string, after bool) bool {
		b, ok := readStamp(s)
		if !ok {
			return false
		}
		off := slack
		switch {
		case b.zoned:
		case v.b.Zone != nil:
			b.at = b.at.Add(-*v.b.Zone)
		default:
			off = aroundTheWorld
		}
		if after {
			return b.at.After(event.Add(off))
		}
		return b.at.Before(event.Add(-off))
	}
	if outside(from, true) || outside(to, false) {
		when := event.Format("2006-01-02 15:04:05 UTC")
		if v.b.Zone != nil {
			when += ", " + event.Add(*v.b.Zone).Format("15:04:05") + " on the host"
		}
		v.broken(src("falco-fields"), "", "The event is not in that time: it was at {}.", when)
	}
}
