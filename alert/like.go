package alert

import "bytes"

// likeAlert reports whether b, an object that cannot be read, begins like an
// alert or like a wrapper around one: then it is broken, else it is something
// else.
func likeAlert(b []byte) bool {
	switch string(firstKey(b)) {
	case "rule", "output", "output_fields", "priority", "hostname", "uuid":
		return true
	}
	for _, mark := range alertMarks {
		if bytes.Contains(b, mark) {
			return true
		}
	}
	return false
}

// Within a string of a wrapper the key's quotes are escaped.
var alertMarks = [][]byte{
	[]byte(`output_fields`), []byte(`"rule":`), []byte(`\"rule\":`), []byte(`"priority":`), []byte(`\"priority\":`),
	[]byte(`{\"output\":`), []byte(`{\"hostname\":`), []byte(`{\"uuid\":`),
}

// firstKey returns the first key of the object that b begins with, also when
// the key is cut off.
func firstKey(b []byte) []byte {
	if len(b) == 0 || b[0] != '{' {
		return nil
	}
	b = bytes.TrimLeft(b[1:], " \t\r\n")
	if len(b) == 0 || b[0] != '"' {
		return nil
	}
	key, _, _ := bytes.Cut(b[1:], []byte(`"`))
	return key
}
