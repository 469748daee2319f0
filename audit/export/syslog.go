// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"strconv"
	"time"

	"durward/audit"
	"durward/audit/line"
)

// syslog sends RFC 5424 messages, each with its length before it (RFC 5425,
// section 4.3; RFC 6587, section 3.4.1), over one connection.
type syslog struct {
	address string
	tls     *tls.Config // nil: plaintext
	host    string
	pid     string

	conn net.Conn // nil: not connected
	raw  *net.TCPConn
	out  []byte
	one  []byte
}

const (
	facility = 13 // log audit
	// elementID names our structured data. The number is that which RFC 5612
	// keeps for examples: there is none of our own.
	elementID = "audit@32473"
)

func newSyslog(cfg *audit.Export) (*syslog, error) {
	t := &syslog{address: cfg.Address, pid: strconv.Itoa(os.Getpid()), host: "-"}
	if name, err := os.Hostname(); err == nil && name != "" {
		t.host = token(name, 255)
	}
	if cfg.Plaintext {
		return t, nil
	}
	roots, err := readRoots(cfg.CA)
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(cfg.Address)
	if err != nil {
		return nil, err
	}
	t.tls = &tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12}
	return t, nil
}

func (t *syslog) send(ctx context.Context, b *batch) error {
	if t.conn != nil && !t.alive() {
		t.hangUp()
	}
	if t.conn == nil {
		if err := t.dial(ctx); err != nil {
			return err
		}
	}
	t.out = t.out[:0]
	for _, text := range b.lines {
		t.one = t.message(t.one[:0], text)
		t.out = strconv.AppendInt(t.out, int64(len(t.one)), 10)
		t.out = append(append(t.out, ' '), t.one...)
	}
	err := t.conn.SetWriteDeadline(time.Now().Add(sendTime))
	if err == nil {
		_, err = t.conn.Write(t.out)
	}
	if err == nil {
		err = t.delivered(ctx)
	}
	if err != nil {
		t.hangUp()
	}
	return err
}

func (t *syslog) dial(ctx context.Context) error {
	dialer := net.Dialer{Timeout: sendTime}
	conn, err := dialer.DialContext(ctx, "tcp", t.address)
	if err != nil {
		return err
	}
	t.raw, _ = conn.(*net.TCPConn)
	if t.tls != nil {
		secure := tls.Client(conn, t.tls)
		limited, cancel := context.WithTimeout(ctx, sendTime)
		defer cancel()
		if err := secure.HandshakeContext(limited); err != nil {
			return errors.Join(err, conn.Close())
		}
		conn = secure
	}
	t.conn = conn
	return nil
}

func (t *syslog) hangUp() {
	_ = t.conn.Close()
	t.conn, t.raw = nil, nil
}

// alive tells whether the other side still holds the connection. A server
// sends nothing: whatever there is to read is its end.
func (t *syslog) alive() bool {
	if t.conn.SetReadDeadline(time.Now().Add(time.Millisecond)) != nil {
		return false
	}
	var b [1]byte
	_, err := t.conn.Read(b[:])
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// delivered waits until the other machine's system has all that was written.
func (t *syslog) delivered(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(sendTime); ; {
		waiting, err := unacknowledged(t.raw)
		switch {
		case err != nil:
			return err
		case !t.alive(): // what waits then waits for ever
			return errors.New("the server closed the connection")
		case waiting == 0:
			return nil
		case time.Now().After(end):
			return errors.New("the server does not take what is sent")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (t *syslog) close() error {
	if t.conn == nil {
		return nil
	}
	err := t.conn.Close()
	t.conn = nil
	return err
}

// message appends one message.
func (t *syslog) message(dst, text []byte) []byte {
	r, ok := line.Parse(text)
	if !ok {
		r = line.Record{}
	}
	_, _, level := severity(&r)
	dst = append(dst, '<')
	dst = strconv.AppendInt(dst, int64(facility*8+level), 10)
	dst = append(dst, ">1 "...)
	if r.Time.IsZero() {
		dst = append(dst, '-')
	} else {
		dst = r.Time.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000Z")
	}
	kind := "-"
	if len(r.Kind) > 0 {
		kind = token(string(r.Kind), 32)
	}
	dst = append(dst, " "+t.host+" durward "+t.pid+" "+kind+" ["+elementID...)
	dst = append(dst, ` seq="`...)
	dst = append(strconv.AppendUint(dst, r.Seq, 10), '"')
	for _, p := range []struct {
		name  string
		value []byte
	}{
		{"outcome", []byte(r.Outcome())}, {"code", r.Code}, {"stage", r.Stage}, {"subject", or(r.Subject, r.Who)}, {"consumer", r.Consumer},
		{"credential", r.Credential}, {"client", r.Client}, {"api", r.API}, {"operation", r.Operation}, {"request_id", r.RequestID},
	} {
		dst = appendParam(dst, p.name, p.value)
	}
	dst = append(dst, "] "...)
	return append(dst, line.Printable(text)...)
}

// appendParam appends a PARAM-VALUE (RFC 5424, section 6.3.3).
func appendParam(dst []byte, name string, value []byte) []byte {
	if len(value) == 0 {
		return dst
	}
	dst = append(dst, " "+name+`="`...)
	for _, c := range line.Printable(value) {
		if c == '"' || c == '\\' || c == ']' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

// token gives a field of the header: visible ASCII, so long at most.
func token(s string, most int) string {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s) && len(out) < most; i++ {
		if s[i] > 0x20 && s[i] < 0x7f {
			out = append(out, s[i])
		}
	}
	if len(out) == 0 {
		return "-"
	}
	return string(out)
}
