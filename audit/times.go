package audit

import (
	"strconv"
	"strings"
	"time"

	"github.com/tiercel/tiercel/audit/expr"
)

// stamp is a time as a report writes it.
type stamp struct {
	start, end int // in the block's text
	date       time.Time
	hasDate    bool
	clock      time.Duration // since midnight
	hasClock   bool
	digits     int // what is written of the clock: 2 minutes, 3 seconds, more for decimals
	zone       string
	offset     time.Duration // of a known zone
	hasZone    bool
}

const months = `jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?`

var (
	clockText = `(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?(am|pm|a\.m\.|p\.m\.)?`
	zoneText  = `(?:\s?\(?(z|utc(?:[+-]\d{1,2}(?::?\d{2})?)?|gmt(?:[+-]\d{1,2}(?::?\d{2})?)?|[+-]\d{2}:?\d{2}|cest|cet|est|edt|pst|pdt|cst|cdt|mst|mdt|bst|ist|eet|eest|jst|msk)\b\)?)?`
	isoStamp  = expr.New(`(?i)(?:^|[^\d.:/-])((\d{4})[-/](\d{2})[-/](\d{2})(?:(?:t|,?\s+(?:at\s+|@\s*)?)` + clockText + zoneText + `)?)`)
	dayFirst  = expr.New(`(?i)\b((\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?(` + months + `)\.?,?\s+(\d{4})(?:,?\s+(?:at\s+|@\s*)?` + clockText + zoneText + `)?)`)
	monFirst  = expr.New(`(?i)\b((` + months + `)\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})(?:,?\s+(?:at\s+|@\s*)?` + clockText + zoneText + `)?)`)
	bareClock = expr.New(`(?i)(?:^|[^\d.:/\w+-])(` + clockText + zoneText + `)`)
)

// stamps finds the times in a text.
func stamps(text string) []stamp {
	if !mayTell(text) {
		return nil
	}
	var out []stamp
	taken := func(start int) bool {
		for _, s := range out {
			if start >= s.start && start < s.end {
				return true
			}
		}
		return false
	}
	group := func(m []int, g int) string {
		if m[2*g] < 0 {
			return ""
		}
		return text[m[2*g]:m[2*g+1]]
	}
	add := func(m []int, y, mo, d string, clock int) {
		s := stamp{start: m[2], end: m[3]}
		if taken(s.start) || s.end < len(text) && isDigit(text[s.end]) {
			return
		}
		if y != "" && !s.setDate(y, mo, d) {
			return
		}
		s.setClock(group(m, clock), group(m, clock+1), group(m, clock+2), group(m, clock+3), group(m, clock+4))
		s.setZone(strings.ToLower(group(m, clock+5)))
		if s.hasDate || s.hasClock {
			for s.end > s.start && isSpace(text[s.end-1]) {
				s.end--
			}
			out = append(out, s)
		}
	}
	for _, m := range isoStamp.FindAllStringSubmatchIndex(text, -1) {
		add(m, group(m, 2), group(m, 3), group(m, 4), 5)
	}
	for _, m := range dayFirst.FindAllStringSubmatchIndex(text, -1) {
		add(m, group(m, 4), group(m, 3), group(m, 2), 5)
	}
	for _, m := range monFirst.FindAllStringSubmatchIndex(text, -1) {
		add(m, group(m, 4), group(m, 2), group(m, 3), 5)
	}
	for _, m := range bareClock.FindAllStringSubmatchIndex(text, -1) {
		// "12:30" may be anything; with seconds, a zone or am it is a time.
		before := strings.TrimRight(strings.ToLower(text[max(0, m[2]-4):m[2]]), " ")
		if group(m, 4) == "" && group(m, 6) == "" && group(m, 7) == "" && !strings.HasSuffix(before, "at") {
			continue
		}
		add(m, "", "", "", 2)
	}
	return out
}

// mayTell reports whether a text has what every time has: a colon between
// digits, or a year.
func mayTell(text string) bool {
	for i := 1; i+1 < len(text); i++ {
		c := text[i]
		if c == ':' && isDigit(text[i-1]) && isDigit(text[i+1]) || (c == '9' || c == '0') && (text[i-1] == '1' || text[i-1] == '2') && i+2 < len(text) && isDigit(text[i+1]) && isDigit(text[i+2]) {
			return true
		}
	}
	return false
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func (s *stamp) setDate(y, mo, d string) bool {
	year, _ := strconv.Atoi(y)
	day, _ := strconv.Atoi(d)
	month, err := strconv.Atoi(mo)
	if err != nil {
		month = strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", strings.ToLower(mo[:3]))/3 + 1
	}
	if month < 1 || month > 12 || day < 1 || day > 31 || year < 1990 || year > 2100 {
		return false
	}
	s.date, s.hasDate = time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC), true
	return true
}

func (s *stamp) setClock(h, m, sec, frac, half string) {
	if h == "" {
		return
	}
	hour, _ := strconv.Atoi(h)
	minute, _ := strconv.Atoi(m)
	second := 0
	s.digits = 2
	if sec != "" {
		second, _ = strconv.Atoi(sec)
		s.digits = 3
	}
	nanos := 0
	if frac != "" {
		s.digits += len(frac)
		nanos, _ = strconv.Atoi((frac + "000000000")[:9])
	}
	switch half := strings.ToLower(half); {
	case strings.HasPrefix(half, "p") && hour < 12:
		hour += 12
	case strings.HasPrefix(half, "a") && hour == 12:
		hour = 0
	}
	if hour > 23 || minute > 59 || second > 60 {
		return
	}
	s.hasClock = true
	s.clock = time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second + time.Duration(nanos)
}

var zoneOffsets = map[string]int{"z": 0, "utc": 0, "gmt": 0, "cet": 60, "cest": 120, "est": -300, "edt": -240, "pst": -480, "pdt": -420,
	"cdt": -300, "mst": -420, "mdt": -360, "eet": 120, "eest": 180, "jst": 540, "msk": 180}

var numericZone = expr.New(`^(?:utc|gmt)?([+-])(\d{1,2}):?(\d{2})?$`)

func (s *stamp) setZone(zone string) {
	if zone == "" {
		return
	}
	s.zone = zone
	if minutes, ok := zoneOffsets[zone]; ok {
		s.offset, s.hasZone = time.Duration(minutes)*time.Minute, true
		return
	}
	if m := numericZone.FindStringSubmatch(zone); m != nil {
		h, _ := strconv.Atoi(m[2])
		mins, _ := strconv.Atoi(m[3])
		s.offset, s.hasZone = time.Duration(h)*time.Hour+time.Duration(mins)*time.Minute, true
		if m[1] == "-" {
			s.offset = -s.offset
		}
	}
}

// unit is how exact the clock is written.
func (s *stamp) unit() time.Duration {
	switch {
	case s.digits <= 2:
		return time.Minute
	case s.digits == 3:
		return time.Second
	}
	d := time.Second
	for range min(s.digits-3, 9) {
		d /= 10
	}
	return d
}

// near reports whether two clocks are the same, cut or rounded to the unit.
func near(a, b, unit time.Duration) bool {
	d := a - b
	return d >= -unit && d <= unit
}

// sinceMidnight is the clock of a time in its zone.
func sinceMidnight(t time.Time) time.Duration {
	return t.Sub(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location()))
}

// is reports whether the stamp names the instant t.
func (s *stamp) is(t time.Time) bool {
	t = t.UTC().Add(s.offset)
	if s.hasDate && !sameDay(s.date, t) {
		return false
	}
	return !s.hasClock || near(s.clock, sinceMidnight(t), s.unit())
}

func sameDay(a, b time.Time) bool {
	return a.Year() == b.Year() && a.YearDay() == b.YearDay()
}

func abs(d time.Duration) time.Duration {
	if d < 0 {
		return -d
	}
	return d
}
