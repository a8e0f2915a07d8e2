package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
)

// TLSFiles are what a server with TLS needs.
type TLSFiles struct {
	Cert, Key string // PEM files; Cert holds the whole chain
	ClientCA  string // PEM file; "": client certificates are not asked for
	Require   bool   // refuse who has none, instead of asking him for a token
}

// TLS is a TLS configuration that can be read again while it is used.
type TLS struct {
	files  TLSFiles
	config atomic.Pointer[tls.Config]
}

// NewTLS reads the files.
func NewTLS(files TLSFiles) (*TLS, error) {
	t := &TLS{files: files}
	return t, t.Reload()
}

// Reload reads the files again. After an error what was read before holds.
func (t *TLS) Reload() error {
	f := t.files
	if f.Cert == "" || f.Key == "" {
		return errors.New("TLS needs a certificate and its key")
	}
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return fmt.Errorf("TLS certificate %s, key %s: %w", f.Cert, f.Key, err)
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}
	if f.ClientCA != "" {
		pem, err := os.ReadFile(f.ClientCA)
		if err != nil {
			return fmt.Errorf("TLS client CA: %w", err)
		}
		c.ClientCAs = x509.NewCertPool()
		if !c.ClientCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("TLS client CA %s: no certificate in it", f.ClientCA)
		}
		c.ClientAuth = tls.VerifyClientCertIfGiven
		if f.Require {
			c.ClientAuth = tls.RequireAndVerifyClientCert
		}
	}
	t.config.Store(c)
	return nil
}

// Config returns the configuration to listen with.
func (t *TLS) Config() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"h2", "http/1.1"},
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return t.config.Load(), nil },
	}
}
