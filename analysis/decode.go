package analysis

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tiercel/tiercel/alert"
)

// decoders turn a value into words; each returns "" for a value it cannot
// read. Their names are knowledge.Decoders.
var decoders = map[string]func(v alert.Value, a *alert.Alert) string{
	"tty":          decodeTTY,
	"loginuid":     decodeLoginUID,
	"ns-epoch":     decodeEpoch,
	"duration-ns":  decodeDuration,
	"exe-flags":    decodeExeFlags,
	"fd":           decodeFD,
	"container-id": decodeContainerID,
	"port":         decodePort,
}

// decodeTTY reads a device number as the kernel packs it (new_encode_dev:
// minor bits 0-7 and 20-31, major bits 8-19).
func decodeTTY(v alert.Value, _ *alert.Alert) string {
	n, err := strconv.ParseUint(v.Text, 10, 32)
	if err != nil {
		return ""
	}
	if n == 0 {
		return "no terminal"
	}
	major, minor := n>>8&0xfff, n&0xff|n>>12&0xfff00
	switch {
	case major >= 136 && major <= 143:
		return fmt.Sprintf("%#x = /dev/pts/%d: a pseudo terminal (ssh, docker run -t, a terminal window)", n, (major-136)*256+minor)
	case major == 4 && minor < 64:
		return fmt.Sprintf("%#x = /dev/tty%d: the console", n, minor)
	case major == 4:
		return fmt.Sprintf("%#x = /dev/ttyS%d: a serial line", n, minor-64)
	}
	return fmt.Sprintf("%#x: device %d:%d", n, major, minor)
}

func decodeLoginUID(v alert.Value, _ *alert.Alert) string {
	switch v.Text {
	case "-1", "4294967295":
		return "not set: no login session; usual for daemons and containers, names nobody"
	case "0":
		return "root: a login of root, or a job that cron ran for root; it is kept across su and sudo"
	}
	if _, err := strconv.ParseUint(v.Text, 10, 32); err != nil {
		return ""
	}
	return "the user id that logged in; it is kept across su and sudo (getent passwd " + v.Text + " names it)"
}

func decodeEpoch(v alert.Value, a *alert.Alert) string {
	n, err := strconv.ParseInt(v.Text, 10, 64)
	if err != nil || n <= 0 {
		return ""
	}
	t := time.Unix(0, n).UTC()
	text := t.Format("2006-01-02 15:04:05.000") + " UTC"
	if a.Time.IsZero() || t.Equal(a.Time) {
		return text
	}
	if d := a.Time.Sub(t); d > 0 {
		return text + ", " + span(d) + " before the event"
	} else {
		return text + ", " + span(-d) + " after the event"
	}
}

// span writes a duration with three significant places.
func span(d time.Duration) string {
	switch {
	case d < time.Microsecond:
		return fmt.Sprintf("%d ns", d.Nanoseconds())
	case d < time.Millisecond:
		return fmt.Sprintf("%.3g µs", float64(d)/float64(time.Microsecond))
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
	case d < 2*time.Minute:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.1f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	}
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}

func decodeDuration(v alert.Value, _ *alert.Alert) string {
	n, err := strconv.ParseInt(v.Text, 10, 64)
	if err != nil || n < 0 {
		return ""
	}
	return span(time.Duration(n))
}

// exeFlags says what Falco's flags of an execution mean
// (libs driver/ppm_events_public.h).
var exeFlags = map[string]string{
	"EXE_WRITABLE":    "the user may write the executed file (always so for root, and for a memfd that it made)",
	"EXE_UPPER_LAYER": "the file is not from the image: it is in the container's writable layer",
	"EXE_LOWER_LAYER": "the file is from a lower layer of an overlay; in a container that is the image",
	"EXE_FROM_MEMFD":  "the executed file is a memfd: it exists in memory only",
}

func decodeExeFlags(v alert.Value, _ *alert.Alert) string {
	var out []string
	for _, flag := range strings.Split(v.Text, "|") {
		if text, ok := exeFlags[flag]; ok {
			out = append(out, flag+": "+text)
		}
	}
	return strings.Join(out, "; ")
}

// decodeFD reads Falco's fd.name of a connection: client->server.
func decodeFD(v alert.Value, _ *alert.Alert) string {
	client, server, ok := strings.Cut(v.Text, "->")
	if !ok {
		return ""
	}
	if loopback(client) && loopback(server) {
		return "a connection on the loopback interface: it does not leave the host"
	}
	return ""
}

// loopback reports whether an "address:port" of Falco is of this host only.
func loopback(endpoint string) bool {
	return strings.HasPrefix(endpoint, "127.") || strings.HasPrefix(endpoint, "::1:") ||
		strings.HasPrefix(endpoint, "::ffff:127.")
}

func decodeContainerID(v alert.Value, _ *alert.Alert) string {
	switch {
	case v.Text == "host":
		return "no container: the process ran on the host itself"
	case len(v.Text) == 12:
		return "a container; the first 12 characters of its id"
	}
	return ""
}

var ports = map[string]string{"22": "ssh", "53": "DNS", "80": "http", "443": "https", "2375": "Docker API without TLS",
	"2376": "Docker API", "3306": "MySQL", "5432": "PostgreSQL", "6379": "Redis", "6443": "Kubernetes API",
	"10250": "kubelet", "27017": "MongoDB"}

func decodePort(v alert.Value, _ *alert.Alert) string {
	if name, ok := ports[v.Text]; ok {
		return "usually " + name
	}
	return ""
}
