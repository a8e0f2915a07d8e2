package audit

import (
	"strconv"
	"strings"
	"time"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/audit/expr"
	"github.com/tiercel/tiercel/audit/finding"
)

var (
	durationText = expr.New(`\b(?:\d+(?:\.\d+)? ?(?:milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|min|hours?|hrs?|h|days?|d|weeks?)\b(?:,? (?:and )?)?)+`)
	durationPart = expr.New(`(\d+(?:\.\d+)?) ?(ms|milli|s|m|h|d|w)`)
	// age are the words by which a sentence tells how old the container was.
	age     = expr.New(`\b(?:up ?time|running (?:for|since)|been up|up for|(?:after|since) (?:the )?(?:container )?(?:was |had been |its |the )?(?:start|creation|launch|created|started)\w*|(?:old|of age)|started [^.;]{0,24}(?:before|earlier|prior|ago)|container (?:age|lifetime))\b`)
	roughly = expr.New(`\b(?:less|more|over|under|at least|at most|within|up to|several|few|not|if|could|limit|timeout|should|every|retention)\b`)
)

// durations holds how long a sentence says that the container had run against
// its start and the time of the event.
func (r *run) durations(s *sentence) {
	if !r.held() || s.in.advice || !strings.ContainsAny(s.plain, "0123456789") || !strings.Contains(s.plain, "container") && !strings.Contains(s.plain, "uptime") && !strings.Contains(s.plain, "pod") {
		return
	}
	start, was, ok := r.age()
	if !ok || !age.MatchString(s.plain) {
		return
	}
	rough := roughly.MatchString(s.plain) || s.hypothetical()
	for _, m := range durationText.FindAllStringIndex(s.plain, -1) {
		end := m[0] + len(strings.TrimRight(s.plain[m[0]:m[1]], " ,"))
		said, unit := readDuration(s.plain[m[0]:end])
		from, to := s.place(m[0], end)
		if said == 0 || r.taken(s.in, from, to) {
			continue
		}
		reason := say("From container.start_ts, ", start, ", to the event it is "+was.Round(time.Second/10).String()+".")
		off := abs(said - was)
		switch {
		case off <= unit || 10*off <= was:
			r.add(s.in, from, to, finding.Fact, finding.Supported, reason, "")
		case rough || 3*off < was:
			r.add(s.in, from, to, finding.Fact, finding.Unsupported, reason, was.Round(time.Second).String())
		default:
			r.add(s.in, from, to, finding.Fact, finding.Contradicted, reason, was.Round(time.Second).String())
		}
	}
}

// age is how long the container had run when the event was; all alerts have to
// agree on its start.
func (r *run) age() (start alert.Field, was time.Duration, ok bool) {
	list := r.known.values("container.start_ts")
	if len(list) != 1 || len(r.alerts) != 1 || r.alerts[0].Time.IsZero() {
		return start, 0, false
	}
	n, err := strconv.ParseInt(list[0].Value.Text, 10, 64)
	if err != nil || n < 1e18 {
		return start, 0, false
	}
	was = r.alerts[0].Time.Sub(time.Unix(0, n))
	return list[0], was, was > 0
}

// readDuration adds up "2 d 16 h 34 min"; unit is the smallest that is named.
func readDuration(text string) (sum, unit time.Duration) {
	for _, m := range durationPart.FindAllStringSubmatch(text, -1) {
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil || n > 1e6 {
			return 0, 0
		}
		switch {
		case m[2] == "ms" || strings.HasPrefix(m[2], "mill"):
			unit = time.Millisecond
		case m[2] == "s":
			unit = time.Second
		case m[2] == "h":
			unit = time.Hour
		case m[2] == "d":
			unit = 24 * time.Hour
		case m[2] == "w":
			unit = 7 * 24 * time.Hour
		default:
			unit = time.Minute
		}
		sum += time.Duration(n * float64(unit))
	}
	return sum, unit
}
