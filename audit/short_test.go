package audit

import "testing"

// raced is set when the race detector is on: it makes a minute of work ten, and
// finds nothing more in the whole of it than in a sample. The whole runs without.
var raced = false

func sampled() bool { return raced || testing.Short() }
