package alert

import "bytes"

// maxPrefixes is how many prefixes may stand before an alert: kubectl's pod
// and time, syslog's header, and what else a chain of shippers adds.
const maxPrefixes = 6

// unwrapLine removes what log shippers put before an alert. nil: the line
// holds neither an object nor an alert's text where one could begin.
func unwrapLine(b []byte) []byte {
	for range maxPrefixes {
		if len(b) == 0 {
			return nil
		}
		if b[0] == '{' || beginsText(b) {
			return b
		}
		rest, ok := cutPrefix(b)
		if !ok {
			return nil
		}
		b = rest
	}
	return nil
}

func cutPrefix(b []byte) (rest []byte, ok bool) {
	switch c := b[0]; {
	case c == '[':
		return cutBracket(b)
	case c == '<':
		return cutSyslogPriority(b)
	case c >= '0' && c <= '9':
		if text, _, _, ok := cutCRI(b); ok {
			return text, true
		}
	}
	if rest, ok := cutTime(b); ok {
		return cutHostAndTag(rest), true
	}
	return cutCompose(b)
}

// cutCRI splits a line as a container runtime writes it for Kubernetes: time,
// stream, F (whole) or P (goes on in the next one), text.
func cutCRI(b []byte) (text, stream []byte, goesOn, ok bool) {
	at, rest, _ := bytes.Cut(b, space)
	if !isISOTime(at) {
		return nil, nil, false, false
	}
	stream, rest, _ = bytes.Cut(rest, space)
	if name := string(stream); name != "stdout" && name != "stderr" {
		return nil, nil, false, false
	}
	tags, text, found := bytes.Cut(rest, space)
	tag, _, _ := bytes.Cut(tags, []byte(":"))
	if !found || len(tag) != 1 || tag[0] != 'F' && tag[0] != 'P' {
		return nil, nil, false, false
	}
	return text, stream, tag[0] == 'P', true
}

var space = []byte(" ")

// cutBracket removes kubectl's "[pod/name/container] " and the journal's
// "[ 123.456789] host tag: ".
func cutBracket(b []byte) (rest []byte, ok bool) {
	head, rest, ok := bytes.Cut(b, []byte("] "))
	if !ok {
		return nil, false
	}
	if bytes.HasPrefix(head, []byte("[pod/")) {
		return rest, true
	}
	if !isSeconds(bytes.TrimLeft(head[1:], " ")) {
		return nil, false
	}
	return cutHostAndTag(rest), true
}

// cutSyslogPriority removes "<13>", and the whole header if it is RFC 5424.
func cutSyslogPriority(b []byte) (rest []byte, ok bool) {
	head, rest, ok := bytes.Cut(b[1:], []byte(">"))
	if !ok || len(head) == 0 || len(head) > 3 || digits(head, 0) != len(head) {
		return nil, false
	}
	if !bytes.HasPrefix(rest, []byte("1 ")) {
		return cutHostAndTagOnly(rest), true
	}
	// version, time, host, application, process, message id
	for range 6 {
		if _, rest, ok = bytes.Cut(rest, space); !ok {
			return nil, false
		}
	}
	if rest, ok = cutStructuredData(rest); !ok {
		return nil, false
	}
	return bytes.TrimPrefix(rest, byteOrderMark), true
}

// cutHostAndTagOnly is for "<13>tag: text", which has no time.
func cutHostAndTagOnly(b []byte) []byte {
	if len(b) > 0 && b[0] == '{' {
		return b
	}
	if _, ok := cutTime(b); ok {
		return b
	}
	return cutHostAndTag(b)
}

// cutStructuredData removes RFC 5424's "-" or "[id name="value"]…" and the
// blank behind it.
func cutStructuredData(b []byte) (rest []byte, ok bool) {
	if bytes.HasPrefix(b, []byte("- ")) {
		return b[2:], true
	}
	if len(b) == 0 || b[0] != '[' {
		return nil, false
	}
	quoted := false
	for i := 0; i < len(b); i++ {
		switch {
		case quoted && b[i] == '\\':
			i++
		case b[i] == '"':
			quoted = !quoted
		case b[i] == ' ' && !quoted && b[i-1] == ']':
			return b[i+1:], true
		}
	}
	return nil, false
}

// cutTime removes a syslog or journal time and the blank behind it: "Nov 24
// 09:42:36", an ISO time, seconds since 1970, "Tue 2026-11-24 09:42:36 UTC".
func cutTime(b []byte) (rest []byte, ok bool) {
	first, rest, ok := bytes.Cut(b, space)
	if !ok || len(rest) == 0 {
		return nil, false
	}
	if isISOTime(first) || isSeconds(first) {
		return rest, true
	}
	if len(first) != 3 {
		return nil, false
	}
	if len(rest) > 20 && isDate(rest[:10]) {
		return cutWeekdayTime(rest)
	}
	if bytes.Index(months, first)%3 != 0 {
		return nil, false
	}
	day, rest, _ := bytes.Cut(bytes.TrimLeft(rest, " "), space)
	clock, rest, ok := bytes.Cut(rest, space)
	return rest, ok && len(day) <= 2 && digits(day, 0) == len(day) && isClock(clock)
}

var months = []byte("JanFebMarAprMayJunJulAugSepOctNovDec")

// cutWeekdayTime removes "2026-11-24 09:42:36 UTC ".
func cutWeekdayTime(b []byte) (rest []byte, ok bool) {
	_, rest, _ = bytes.Cut(b, space)
	clock, rest, _ := bytes.Cut(rest, space)
	_, rest, ok = bytes.Cut(rest, space)
	return rest, ok && isClock(clock)
}

// cutHostAndTag removes "host tag[123]: " or "tag: ", if it is there.
func cutHostAndTag(b []byte) []byte {
	if len(b) == 0 || b[0] == '{' || beginsText(b) {
		return b
	}
	rest := b
	for range 2 {
		word, behind, ok := bytes.Cut(rest, space)
		if !ok || len(word) == 0 {
			return b
		}
		if word[len(word)-1] == ':' {
			return behind
		}
		rest = behind
	}
	return b
}

// cutCompose removes Docker Compose's "falco-1  | ".
func cutCompose(b []byte) (rest []byte, ok bool) {
	name, rest, ok := bytes.Cut(b, space)
	if !ok || len(name) == 0 {
		return nil, false
	}
	return bytes.CutPrefix(bytes.TrimLeft(rest, " "), []byte("| "))
}

// isISOTime reports 2026-11-24T09:42:36, with or without fraction and zone.
func isISOTime(b []byte) bool {
	return len(b) >= 19 && isDate(b[:10]) && b[10] == 'T' && isClock(b[11:19]) && len(b) <= 35
}

func isDate[T string | []byte](b T) bool {
	return len(b) == 10 && b[4] == '-' && b[7] == '-' &&
		digits(b, 0) == 4 && digits(b, 5) == 7 && digits(b, 8) == 10
}

// isClock reports 09:42:36, with or without a fraction.
func isClock[T string | []byte](b T) bool {
	if len(b) < 8 || b[2] != ':' || b[5] != ':' || digits(b, 0) != 2 || digits(b, 3) != 5 || digits(b, 6) != 8 {
		return false
	}
	return len(b) == 8 || b[8] == '.' && len(b) > 9 && digits(b, 9) == len(b)
}

// isSeconds reports 1767787200.123456.
func isSeconds(b []byte) bool {
	n := digits(b, 0)
	return n > 0 && n+1 < len(b) && b[n] == '.' && digits(b, n+1) == len(b)
}
