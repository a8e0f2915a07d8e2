// Package redact masks secrets that stand in command lines, environments and
// addresses, and leaves everything else as it is: ids, hashes and paths are
// evidence.
package redact

import (
	"regexp"
	"strings"
)

// Mask stands in the place of a secret.
const Mask = "********"

// pattern masks its first group.
var patterns = []*regexp.Regexp{
	// name=value and name: value, where the name says what it is
	regexp.MustCompile(`(?i)[a-z0-9_.-]*(?:passw(?:or)?d|passwd|passphrase|secret(?:_?access)?(?:_?key)?|token|api[_-]?key|access[_-]?key|private[_-]?key|auth[_-]?key|credentials?|pgpassword|mysql_pwd)[a-z0-9_]*\s*=\s*(["']?[^\s"'&;,|]+)`),
	regexp.MustCompile(`(?i)--?(?:passw(?:or)?d|passwd|passphrase|secret|token|api-?key|access-?key|secret-?key|auth-?token|client-secret)[ =]+(["']?[^\s"'&;|-][^\s"'&;|]*)`),
	regexp.MustCompile(`(?i)\b(?:authorization|proxy-authorization|x-api-key|x-auth-token|private-token)\s*:\s*((?:(?:bearer|basic|token|digest)\s+)?[^\s"']+)`),
	regexp.MustCompile(`(?i)\bbearer\s+([a-z0-9._~+/=-]{8,})`),
	// -pSecret of the MySQL clients, -a of redis-cli, -p of sshpass, -u user:secret of curl
	regexp.MustCompile(`\b(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump|mysqlimport|mysqlsh)\b[^|;&]*?\s-p([^\s-][^\s]*)`),
	regexp.MustCompile(`\bredis-cli\b[^|;&]*?\s(?:-a|--pass)\s+(\S+)`),
	regexp.MustCompile(`\bsshpass\s+-p\s*(\S+)`),
	regexp.MustCompile(`\b(?:curl|wget)\b[^|;&]*?\s(?:-u|--user)[ =]?[^\s:]+:(\S+)`),
	regexp.MustCompile(`\bchpasswd\b.*?:(\S+)|echo\s+["']?[a-z_][a-z0-9_-]*:(\S+?)["']?\s*\|\s*(?:sudo\s+)?chpasswd`),
	// user:secret@ in an address
	regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@]*:([^\s/@]+)@`),
	// tokens that are known by their form
	regexp.MustCompile(`\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|xox[abpors]-[A-Za-z0-9-]{10,}|sk-[A-Za-z0-9_-]{20,}|AIza[A-Za-z0-9_-]{30,}|eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+)`),
	regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----([^-]+)`),
}

// hints are what some pattern needs to match: looking for them first spares
// the patterns on the usual value.
var hints = []string{"pass", "pwd", "secret", "token", "key", "cred", "auth", "bearer", " -p", " -a", " -u", "--user", "://", "gh", "glpat", "xox", "sk-", "aiza", "eyj"}

// Text returns s with its secrets masked.
func Text(s string) string {
	if !hinted(s) {
		return s
	}
	for _, p := range patterns {
		s = mask(p, s)
	}
	return s
}

func hinted(s string) bool {
	lower := strings.ToLower(s)
	for _, h := range hints {
		if strings.Contains(lower, h) {
			return true
		}
	}
	return false
}

// mask replaces each group of p's matches.
func mask(p *regexp.Regexp, s string) string {
	matches := p.FindAllStringSubmatchIndex(s, -1)
	if matches == nil {
		return s
	}
	var b strings.Builder
	last := 0
	for _, m := range matches {
		for g := 2; g+1 < len(m); g += 2 {
			if m[g] < 0 || m[g] < last || namesAnID(s[m[0]:m[g]]) || plainSetting(s[m[g]:m[g+1]]) {
				continue
			}
			b.WriteString(s[last:m[g]])
			b.WriteString(Mask)
			last = m[g+1]
		}
	}
	b.WriteString(s[last:])
	return b.String()
}

// namesAnID reports whether what stands before a value names an identifier
// (AWS_ACCESS_KEY_ID=), which is evidence and no secret.
func namesAnID(before string) bool {
	return strings.HasSuffix(strings.ToLower(strings.TrimRight(before, "= \"'")), "_id")
}

// plainSetting reports whether a value is a switch or a single digit, as in
// glibc.tune.secrets=2, and hides nothing.
func plainSetting(value string) bool {
	switch strings.ToLower(value) {
	case "true", "false", "yes", "no", "on", "off", "null", "none":
		return true
	}
	return len(value) == 1
}
