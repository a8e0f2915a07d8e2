package server

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sys/unix"
	"golang.org/x/time/rate"

	"github.com/tiercel/tiercel/live"
	"github.com/tiercel/tiercel/server/envelope"
)

// metrics are the numbers that are watched.
type metrics struct {
	handler   http.Handler
	sometimes *rate.Limiter // for what would fill the log

	ways          [3]prometheus.Counter
	rejectedBy    *prometheus.CounterVec
	droppedBy     *prometheus.CounterVec
	refusedBy     *prometheus.CounterVec
	letters       prometheus.Counter
	lettersLost   *prometheus.CounterVec
	bodiesAborted prometheus.Counter
	panics        prometheus.Counter
	duration      *prometheus.HistogramVec
}

func newMetrics(s *Server) *metrics {
	reg := prometheus.NewRegistry()
	m := &metrics{sometimes: rate.NewLimiter(1, 5)}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		reg.MustRegister(c)
		return c
	}
	vec := func(name, help, label string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
		reg.MustRegister(c)
		return c
	}
	gauge := func(name, help string, get func() float64) {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, get))
	}
	received := vec("tiercel_alerts_received_total", "Alerts that were put into the journal and acknowledged.", "way")
	m.ways = [3]prometheus.Counter{
		envelope.HTTP:   received.WithLabelValues("http"),
		envelope.File:   received.WithLabelValues("file"),
		envelope.Replay: received.WithLabelValues("replay"),
	}
	m.rejectedBy = vec("tiercel_alerts_rejected_total", "Records that can never be an alert.", "reason")
	m.droppedBy = vec("tiercel_alerts_dropped_total",
		"Alerts that could not be taken (full, journal, closing), and requests with alerts that were refused unread (busy, refused). "+
			"Falco does not send them again.", "reason")
	for _, reason := range []string{"full", "journal", "closing", "busy", "refused"} {
		m.droppedBy.WithLabelValues(reason)
	}
	m.refusedBy = vec("tiercel_requests_refused_total", "Requests that were not let in.", "reason")
	m.letters = counter("tiercel_dead_letters_total", "Dead letters that were kept.")
	m.lettersLost = vec("tiercel_dead_letters_dropped_total", "Dead letters that were not kept.", "reason")
	m.bodiesAborted = counter("tiercel_bodies_aborted_total", "Requests with alerts whose body was not read to its end.")
	m.panics = counter("tiercel_panics_total", "Requests that made the server panic: bugs.")
	m.duration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "tiercel_http_request_duration_seconds", Help: "Time to answer a request.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"route", "code"})
	reg.MustRegister(m.duration, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "tiercel_build_info", Help: "1.", ConstLabels: prometheus.Labels{"version": s.opt.Version},
	})
	info.Set(1)
	reg.MustRegister(info)
	stats := func(get func() float64) func() float64 {
		return func() float64 {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			if _, err := s.stats.value(ctx); err != nil {
				return math.NaN()
			}
			return get()
		}
	}
	gauge("tiercel_store_alerts", "Alerts held in the store.", stats(func() float64 { return float64(s.stats.held.Alerts) }))
	gauge("tiercel_store_incidents", "Incidents held in the store.", stats(func() float64 { return float64(s.stats.held.Incidents) }))
	gauge("tiercel_store_kinds", "Kinds of alerts held in the store.", stats(func() float64 { return float64(s.stats.held.Kinds) }))
	gauge("tiercel_store_bytes", "Bytes of the store.", stats(func() float64 { return float64(s.stats.held.Bytes) }))
	gauge("tiercel_store_removed_alerts", "Alerts that retention has removed, ever.", stats(func() float64 { return float64(s.stats.held.Removed) }))
	gauge("tiercel_store_dead_letters", "Dead letters held in the store.", stats(func() float64 { return float64(s.stats.held.DeadLetters) }))
	gauge("tiercel_journal_records", "Records ever appended to the journal.", func() float64 {
		return float64(s.records())
	})
	gauge("tiercel_journal_bytes", "Bytes of the journal.", func() float64 { return float64(s.opt.Journal.Stats().Bytes) })
	gauge("tiercel_journal_lag_records", "Records of the journal that are still to be analysed.", func() float64 {
		n, _ := s.lag()
		return float64(n)
	})
	gauge("tiercel_journal_lag_seconds", "How long ago the oldest of these was received.", func() float64 {
		_, d := s.lag()
		return d.Seconds()
	})
	gauge("tiercel_analysis_wired", "Whether the journal is analysed.", func() float64 {
		if s.opt.Live == nil {
			return 0
		}
		return 1
	})
	for _, x := range []struct {
		name, help string
		of         func(live.Counted) int64
	}{
		{"tiercel_analysis_undecoded_total", "Records of the journal that turned out to be no alert; they are dead letters.", func(c live.Counted) int64 { return c.Undecoded }},
		{"tiercel_analysis_repeats_total", "Alerts that had been delivered before.", func(c live.Counted) int64 { return c.Repeats }},
		{"tiercel_analysis_beyond_total", "Alerts of kinds beyond the limit: stored, and in no incident.", func(c live.Counted) int64 { return c.Beyond }},
		{"tiercel_analysis_forgotten_total", "Links that were given up for want of room: an incident may be split there.", func(c live.Counted) int64 { return c.Forgotten }},
		{"tiercel_analysis_late_total", "Alerts that came so late that an incident may be split there.", func(c live.Counted) int64 { return c.Late }},
	} {
		reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: x.name, Help: x.help}, func() float64 {
			if s.opt.Live == nil {
				return 0
			}
			return float64(x.of(s.opt.Live.Counted()))
		}))
	}
	gauge("tiercel_event_streams", "Clients of /api/v1/events.", func() float64 { return float64(s.streams.Load()) })
	gauge("tiercel_ingest_waiting", "Requests with alerts that wait for their turn.", func() float64 { return float64(s.ingest.waiting.Load()) })
	if s.opt.DataDir != "" {
		gauge("tiercel_disk_free_bytes", "Bytes that are free where the data lie.", func() float64 {
			free, err := DiskFree(s.opt.DataDir)
			if err != nil {
				return math.NaN()
			}
			return float64(free)
		})
	}
	m.handler = promhttp.HandlerFor(reg, promhttp.HandlerOpts{Registry: reg})
	return m
}

// lag is Live.Lag; without analysis it is the whole journal.
func (s *Server) lag() (records int, since time.Duration) {
	if s.opt.Live == nil {
		st := s.opt.Journal.Stats()
		return int(st.Next - st.First), 0
	}
	return s.opt.Live.Lag()
}

// records is how many records were ever appended.
func (s *Server) records() uint64 { return uint64(max(s.opt.Journal.Stats().Next, 1)) - 1 }

// DiskFree is how many bytes are free where dir is.
func DiskFree(dir string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return st.Bavail * uint64(st.Bsize), nil
}

func (m *metrics) received(way envelope.Way, n int) {
	m.ways[way].Add(float64(n))
}

func (m *metrics) dropped(reason string, n int) {
	m.droppedBy.WithLabelValues(reason).Add(float64(n))
}

func (m *metrics) rejected(reason string, n int) {
	m.rejectedBy.WithLabelValues(reason).Add(float64(n))
}
func (m *metrics) refused(reason string)        { m.refusedBy.WithLabelValues(reason).Inc() }
func (m *metrics) lettersKept()                 { m.letters.Inc() }
func (m *metrics) lettersDropped(reason string) { m.lettersLost.WithLabelValues(reason).Inc() }
func (m *metrics) aborted()                     { m.bodiesAborted.Inc() }
func (m *metrics) panicked()                    { m.panics.Inc() }

// timer returns what notes how long a route took.
func (m *metrics) timer(route string) func(status int, d time.Duration) {
	usual := m.duration.WithLabelValues(route, "200")
	return func(status int, d time.Duration) {
		if status == 0 || status == http.StatusOK {
			usual.Observe(d.Seconds())
			return
		}
		m.duration.WithLabelValues(route, statusText(status)).Observe(d.Seconds())
	}
}
