package web_test

import (
	"os"
	"testing"
	"time"

	"github.com/tiercel/tiercel/server/web/webtest"
)

// TestShow serves the recordings for an hour, to look at the pages: SHOW names
// the file into which the address is
// written; AUTH=1 has people sign in, EMPTY=1 shows no alerts.
func TestShow(t *testing.T) {
	if os.Getenv("SHOW") == "" {
		t.Skip("set SHOW to a file to look at the pages")
	}
	s := webtest.Start(t, os.Getenv("AUTH") != "")
	if os.Getenv("EMPTY") == "" {
		s = webtest.Filled(t, os.Getenv("AUTH") != "")
	}
	if err := os.WriteFile(os.Getenv("SHOW"), []byte(s.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Hour)
}
