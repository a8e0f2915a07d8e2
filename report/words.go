package report

// VerdictWords are the verdicts as a reader knows them.
var VerdictWords = map[string]string{
	"attack": "attack", "suspicious": "suspicious", "test": "security test", "benign": "ordinary work", "unknown": "unknown",
}

// SeverityWords are the severities as they read in a sentence.
var SeverityWords = map[string]string{
	"critical": "critical", "high": "high", "medium": "medium", "low": "low", "info": "informational",
}

// ConfidenceWord is a confidence, 0 to 1, in words.
func ConfidenceWord(c float64) string {
	switch {
	case c >= 0.8:
		return "high"
	case c >= 0.5:
		return "medium"
	}
	return "low"
}
