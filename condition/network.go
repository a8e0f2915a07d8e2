package condition

import (
	"net/netip"
	"strings"

	"github.com/tiercel/tiercel/alert"
)

// Falco can filter by more fields of a connection than it can print: fd.net
// and its like exist only in conditions. They are decided by the addresses in
// the alert, or by fd.name, which is "client:port->server:port".

type networkField struct {
	kind   domain
	derive derivation
}

type side uint8

const (
	client side = iota
	server
	local
	remote
)

var networkFields = func() map[string]networkField {
	fields := map[string]networkField{
		"fd.ip":   {addresses, bothEnds(addresses)},
		"fd.net":  {networks, bothEnds(addresses)},
		"fd.port": {ports, bothEnds(ports)},
	}
	for s, letter := range [...]string{client: "c", server: "s", local: "l", remote: "r"} {
		ip, port := "fd."+letter+"ip", "fd."+letter+"port"
		fields[ip] = networkField{addresses, oneEnd(side(s), addresses, "")}
		fields[port] = networkField{ports, oneEnd(side(s), ports, "")}
		fields["fd."+letter+"net"] = networkField{networks, oneEnd(side(s), addresses, ip)}
	}
	return fields
}()

// connection is fd.name taken apart.
type connection struct {
	name        alert.Field
	left, right endpoint // right is empty for a listening socket
}

type endpoint struct{ ip, port string }

func (e endpoint) value(part domain) alert.Value {
	if part == ports {
		return alert.Value{Kind: alert.Int, Text: e.port}
	}
	return text(e.ip)
}

// connectionOf returns absent when fd.name is a path: no connection at all.
func connectionOf(v Values) (c connection, how certainty) {
	f, ok := known(v, "fd.name")
	if !ok {
		return c, untold
	}
	c.name = f
	name := f.Value.Text
	if strings.HasPrefix(name, "/") {
		return c, absent
	}
	left, right, two := strings.Cut(name, "->")
	if c.left, ok = parseEndpoint(left); !ok {
		return c, untold
	}
	if two {
		if c.right, ok = parseEndpoint(right); !ok {
			return c, untold
		}
	}
	return c, all
}

func parseEndpoint(s string) (e endpoint, ok bool) {
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 {
		return e, false
	}
	if e = (endpoint{s[:colon], s[colon+1:]}); !allBytes(e.port, isDigit) {
		return e, false
	}
	_, err := netip.ParseAddr(e.ip)
	return e, err == nil
}

// bothEnds derives fd.ip, fd.net and fd.port, which ask for either end.
func bothEnds(part domain) derivation {
	pairs := [...][2]string{{"fd.cip", "fd.sip"}, {"fd.lip", "fd.rip"}}
	if part == ports {
		pairs = [...][2]string{{"fd.cport", "fd.sport"}, {"fd.lport", "fd.rport"}}
	}
	return func(v Values) derived {
		d := derived{missing: "fd.name"}
		c, how := connectionOf(v)
		switch how {
		case absent:
			d.how, d.from[0] = absent, c.name
			return d
		case all:
			d.how, d.from[0] = all, c.name
			d.values[0], d.n = c.left.value(part), 1
			if c.right.ip != "" {
				d.values[1], d.n = c.right.value(part), 2
			}
			return d
		}
		for _, pair := range pairs {
			n := 0
			for _, name := range pair {
				if f, ok := known(v, name); ok {
					d.from[n], d.values[n] = f, f.Value
					n++
				}
			}
			if n == 2 {
				d.how, d.n = all, n
				return d
			}
			if n == 1 && d.n == 0 {
				d.how, d.n = atLeast, n
			}
		}
		return d
	}
}

// oneEnd derives a field of one end: from the field printed, if it is another
// one than the one asked for, or from fd.name.
func oneEnd(s side, part domain, printed string) derivation {
	return func(v Values) derived {
		if printed != "" {
			if f, ok := v.Get(printed); ok && f.Value.Known() {
				return derived{how: either, n: 1, values: [2]alert.Value{f.Value}, from: [2]alert.Field{f}}
			} else if ok {
				return derived{missing: printed}
			}
		}
		c, how := connectionOf(v)
		d := derived{from: [2]alert.Field{c.name}, missing: printed}
		if how != all {
			if how == absent {
				d.how = absent
			}
			return d
		}
		if c.right.ip == "" {
			return d
		}
		left, because, ok := isLeft(v, c, s)
		if !ok {
			return d
		}
		d.how, d.n, d.from[1] = either, 1, because
		if left {
			d.values[0] = c.left.value(part)
		} else {
			d.values[0] = c.right.value(part)
		}
		return d
	}
}

// isLeft reports whether a side of a connection is the one that fd.name begins
// with, and the field that tells. Falco puts the client there once it knows
// who is the client: after a connect and an accept it does.
func isLeft(v Values, c connection, s side) (left bool, because alert.Field, ok bool) {
	if event, found := known(v, "evt.type"); found {
		switch event.Value.Text {
		case "connect":
			return s == client || s == local, event, true
		case "accept", "accept4":
			return s == client || s == remote, event, true
		}
	}
	if s == client || s == server || c.left.port == c.right.port {
		return false, because, false
	}
	own, found := known(v, "fd.lport")
	if !found {
		if own, found = known(v, "fd.rport"); !found {
			return false, because, false
		}
		s = local + remote - s
	}
	switch own.Value.Text {
	case c.left.port:
		return s == local, own, true
	case c.right.port:
		return s == remote, own, true
	}
	return false, because, false
}
