package audit

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/audit/expr"
)

// like says how a value in a report stands to one of the alert.
type like uint8

const (
	different like = iota
	partOf         // a piece of it, as "runc" of /usr/bin/runc
	equal          // the same, if need be in another spelling
)

// clean takes quotes, brackets and closing punctuation off a value.
func clean(v string) string {
	v = strings.TrimSpace(v)
	for {
		old := v
		v = strings.Trim(v, " \t\n`\"'*“”‘’")
		v = strings.TrimRight(v, ",;")
		if strings.HasSuffix(v, ".") && !strings.HasSuffix(v, "..") {
			v = v[:len(v)-1]
		}
		if strings.HasSuffix(v, ")") && !strings.Contains(v, "(") {
			v = v[:len(v)-1]
		}
		for _, pair := range []string{"()", "[]", "<>"} {
			if len(v) > 1 && v[0] == pair[0] && v[len(v)-1] == pair[1] && strings.Count(v, pair[:1]) == 1 {
				v = v[1 : len(v)-1]
			}
		}
		if v == old {
			return v
		}
	}
}

var spelling = strings.NewReplacer("…", "...", "’", "'", "“", `"`, "”", `"`, "–", "-", `\|`, "|", `\"`, `"`, `\\`, `\`, " ", " ", "\n", " ")

// compare holds a value of a report against a field.
func compare(claimed string, f alert.Field) like {
	c, v := spelling.Replace(clean(claimed)), spelling.Replace(f.Value.Text)
	switch {
	case c == "":
		return different
	case c == v, strings.EqualFold(c, v) && !caseMatters(f.Name):
		return equal
	case squeeze(c) == squeeze(v):
		return equal
	}
	if l := bySpecies(c, v, f); l != different {
		return l
	}
	if cut, ok := withoutEllipsis(c); ok && len(cut) >= 4 && strings.HasPrefix(squeeze(v), squeeze(cut)) {
		return equal
	}
	if n, ok := number(c); ok {
		if m, ok := number(v); ok && n == m {
			return equal
		}
		return different
	}
	if len(c) >= 2 && strings.Contains(strings.ToLower(v), strings.ToLower(c)) && onWords(strings.ToLower(v), strings.ToLower(c)) {
		return partOf
	}
	return different
}

// caseMatters reports whether values that differ in case alone are different
// things: so for files and programs.
func caseMatters(field string) bool {
	return strings.Contains(field, "path") || strings.Contains(field, "cmdline") || strings.HasPrefix(field, "fd.")
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

func withoutEllipsis(s string) (string, bool) {
	for _, end := range []string{"...", "[...]", "<...>", "(truncated)", "[truncated]"} {
		if cut, ok := strings.CutSuffix(s, end); ok {
			return strings.TrimRight(cut, " .["), true
		}
	}
	return s, false
}

// number reads an integer with separators, hexadecimal or not.
func number(s string) (int64, bool) {
	t := s
	if len(t) > 4 && thousands.MatchString(t) {
		t = separators.Replace(t)
	}
	n, err := strconv.ParseInt(t, 0, 64)
	if err != nil {
		n, err = strconv.ParseInt(t, 10, 64)
	}
	return n, err == nil
}

var thousands = expr.New(`^\d{1,3}(?:[,_']\d{3})+$`)

// onWords reports whether part stands in whole between other things than
// letters and digits.
func onWords(whole, part string) bool {
	for at := 0; ; {
		i := strings.Index(whole[at:], part)
		if i < 0 {
			return false
		}
		i += at
		end := i + len(part)
		if (i == 0 || !isAlnum(whole[i-1]) || !isAlnum(part[0])) && (end == len(whole) || !isAlnum(whole[end]) || !isAlnum(part[len(part)-1])) {
			return true
		}
		at = i + 1
	}
}

func isAlnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

var hexID = expr.New(`^[0-9a-f]{8,64}$`)

// bySpecies knows the other spellings of a field's values.
func bySpecies(c, v string, f alert.Field) like {
	lower := strings.ToLower(c)
	switch name := f.Name; {
	case f.Value.Kind == alert.List:
		return listLike(c, f.Value.Items)
	case name == "priority":
		if p, ok := alert.ParsePriority(c); ok {
			if q, _ := alert.ParsePriority(v); p == q {
				return equal
			}
		}
	case strings.HasPrefix(name, "container.") && v == "host":
		if noContainer.MatchString(lower) {
			return equal
		}
	case strings.HasPrefix(name, "container.") && strings.HasSuffix(name, "id"):
		if hexID.MatchString(lower) && len(lower) >= 12 && len(v) >= 12 && (strings.HasPrefix(v, lower) || strings.HasPrefix(lower, v)) {
			return equal
		}
	case strings.HasPrefix(name, "container.image"):
		return imageLike(lower, strings.ToLower(v))
	case timeField(name) && len(v) > len(c) && (len(c) == 10 || len(c) == 13 || len(c) == 16) && numeral.MatchString(c):
		if strings.HasPrefix(v, c) {
			return equal // seconds, milliseconds, microseconds
		}
	case strings.HasSuffix(name, "pod.name") || name == "ka.target.name":
		if c[strings.LastIndexByte(c, '/')+1:] == v {
			return equal // namespace/pod
		}
	case name == "proc.tty":
		return ttyLike(lower, v)
	case name == "user.loginuid" && (v == "-1" || v == "4294967295"):
		if c == "-1" || c == "4294967295" || noLogin.MatchString(lower) {
			return equal
		}
	case name == "user.uid" && v == "0" && lower == "root", name == "user.name" && v == "root" && c == "0":
		return equal
	case name == "evt.res" && v == "SUCCESS":
		if success.MatchString(lower) {
			return equal
		}
	case strings.Contains(v, "|") && flagList.MatchString(v):
		return listLike(flagMarks.Replace(c), strings.Split(v, "|"))
	case strings.HasPrefix(name, "fd.") || strings.Contains(name, "ip"):
		return addressLike(lower, strings.ToLower(v))
	}
	if base := v[strings.LastIndexByte(v, '/')+1:]; base != v && base == c {
		return partOf
	}
	return different
}

var ttyNumber = expr.New(`\b\d{3,}\b`)

var (
	flagMarks   = strings.NewReplacer(" and ", "|", " & ", "|", ",", "|", " ", "|", "+", "|", "/", "|")
	arrows      = strings.NewReplacer(" ", "", "→", "->", "=>", "->", "to", "->")
	separators  = strings.NewReplacer(",", "", "_", "", "'", "")
	noContainer = expr.New(`^(?:no\b|none|not |n/?a|host\b|the host|-$|\(?host)`)
	noLogin     = expr.New(`\b(no|not|none|unset|n/a|without|invalid|undefined|absent)\b`)
	success     = expr.New(`^(the )?(success|successful|succeeded|ok|0|completed successfully|executed successfully)\b`)
	flagList    = expr.New(`^[A-Z0-9_]+(\|[A-Z0-9_]+)+$`)
)

// listLike compares a written list with items: all there is equal, some is a part.
func listLike(c string, items []string) like {
	c = strings.Trim(c, "[]{}()")
	words := strings.FieldsFunc(c, func(r rune) bool { return strings.ContainsRune(",|;\n\"'`", r) })
	if len(words) == 1 {
		words = strings.Fields(c)
	}
	found := 0
	for _, w := range words {
		w = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(w), "and "))
		if w == "" {
			continue
		}
		if !slices.ContainsFunc(items, func(item string) bool { return strings.EqualFold(item, w) }) {
			return different
		}
		found++
	}
	switch {
	case found == 0:
		return different
	case found >= len(items):
		return equal
	}
	return partOf
}

// imageLike compares an image with or without registry, tag and digest.
func imageLike(c, v string) like {
	if c == v {
		return equal
	}
	strip := func(s string) (name, tag string) {
		s, _, _ = strings.Cut(s, "@")
		if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, '/') {
			s, tag = s[:i], s[i+1:]
		}
		return s, tag
	}
	cn, ct := strip(c)
	vn, vt := strip(v)
	if ct != "" && vt != "" && ct != vt || cn == "" {
		return different
	}
	if cn == vn || strings.HasSuffix(vn, "/"+cn) || strings.HasSuffix(cn, "/"+vn) {
		return equal
	}
	return different
}

// ttyLike reads a terminal's name or its device number in another base.
func ttyLike(c, v string) like {
	n, err := strconv.ParseUint(v, 10, 32)
	if err != nil {
		return different
	}
	if n == 0 && noLogin.MatchString(c) {
		return equal
	}
	if m := ttyNumber.FindString(c); m != "" && m == v {
		return equal // with words around it
	}
	major, minor := n>>8&0xfff, n&0xff|n>>12&0xfff00
	if major >= 136 && major <= 143 {
		pts := "pts/" + strconv.FormatUint((major-136)*256+minor, 10)
		if c == pts || c == "/dev/"+pts {
			return equal
		}
	}
	return different
}

// addressLike finds an address or port in a connection.
func addressLike(c, v string) like {
	if a, err := netip.ParseAddr(c); err == nil {
		for _, part := range strings.FieldsFunc(v, func(r rune) bool { return r == '-' || r == '>' || r == ' ' }) {
			if ap, err := netip.ParseAddrPort(bracketed(part)); err == nil && ap.Addr().Unmap() == a.Unmap() {
				return equal
			}
			if b, err := netip.ParseAddr(part); err == nil && b.Unmap() == a.Unmap() {
				return equal
			}
		}
		return different
	}
	if arrows.Replace(c) == v {
		return equal
	}
	return different
}

// bracketed writes Falco's ::1:80 as [::1]:80.
func bracketed(s string) string {
	i := strings.LastIndexByte(s, ':')
	if i > 0 && strings.Count(s, ":") > 1 && s[0] != '[' {
		return "[" + s[:i] + "]:" + s[i+1:]
	}
	return s
}

// instants are the points of time that an alert tells.
type instant struct {
	field alert.Field
	at    time.Time
}

func instants(a *alert.Alert) []instant {
	var out []instant
	if !a.Time.IsZero() {
		f, ok := a.Get("time")
		if !ok {
			f, _ = a.Get("output")
		}
		out = append(out, instant{f, a.Time})
	}
	for _, f := range a.Fields {
		switch n, err := strconv.ParseInt(f.Value.Text, 10, 64); {
		case err == nil && n > 1e18 && n < 4e18:
			out = append(out, instant{f, time.Unix(0, n).UTC()})
		case err == nil && n > 1e9 && n < 4e9 && strings.Contains(f.Name, "time"):
			out = append(out, instant{f, time.Unix(n, 0).UTC()})
		case len(f.Value.Text) > 18 && len(f.Value.Text) < 40:
			if t, err := time.Parse(time.RFC3339Nano, f.Value.Text); err == nil {
				out = append(out, instant{f, t.UTC()})
			} else if t, err := time.Parse("2006-01-02T15:04:05.999999999Z0700", f.Value.Text); err == nil {
				out = append(out, instant{f, t.UTC()})
			}
		}
	}
	return out
}

var outputClock = expr.New(`^(?:\d{4}-\d\d-\d\dT)?(\d\d:\d\d:\d\d)\.(\d{1,9})([+-]\d\d:?\d\d|Z)?: `)

// localClock returns the clock in the alert's text, "" if it has none.
func localClock(a *alert.Alert) string {
	if m := outputClock.FindStringSubmatch(a.Output); m != nil {
		return m[1] + "." + m[2]
	}
	return ""
}
