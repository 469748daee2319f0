// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"durward"
)

// upgrades are the connections of one front that left HTTP. They end last.
type upgrades struct {
	mu   sync.Mutex
	open map[io.Closer]struct{}
	wg   sync.WaitGroup
}

func (u *upgrades) add(c io.Closer) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.open == nil {
		u.open = map[io.Closer]struct{}{}
	}
	u.open[c] = struct{}{}
	u.wg.Add(1)
}

func (u *upgrades) remove(c io.Closer) {
	u.mu.Lock()
	delete(u.open, c)
	u.mu.Unlock()
	u.wg.Done()
}

// shutdown lets upgraded connections end by themselves until ctx does, then
// cuts them.
func (u *upgrades) shutdown(ctx context.Context) error {
	done := make(chan struct{})
	go func() { u.wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	u.mu.Lock()
	for c := range u.open {
		c.Close()
	}
	u.mu.Unlock()
	<-done
	return ctx.Err()
}

var errUpgradeHTTP2 = errors.New("an upgrade needs HTTP/1.1")

// Upgrade implements durward.Responder: it sends the 101 and joins both ends.
func (o *responder) Upgrade(ctx context.Context, r *durward.Response, extra durward.Header, idle time.Duration) (toClient, toUpstream int64, err error) {
	if !o.http1 {
		return 0, 0, errUpgradeHTTP2
	}
	raw, buffered, err := http.NewResponseController(o.w).Hijack()
	if err != nil {
		o.cut = true
		return 0, 0, err
	}
	defer raw.Close()
	o.front.upgrades.add(raw)
	defer o.front.upgrades.remove(raw)
	raw.SetDeadline(time.Time{})
	o.conn.writeBy = time.Time{}

	head := append([]byte(nil), "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "...)
	head = append(head, o.r.Header.Get("Upgrade")...)
	head = append(head, "\r\n"...)
	for _, section := range []durward.Header{r.Header, extra} {
		for _, f := range section {
			head = append(append(append(append(head, f.Name...), ": "...), f.Value...), "\r\n"...)
		}
	}
	head = append(head, "\r\n"...)
	raw.SetWriteDeadline(time.Now().Add(o.front.limits.WriteTimeout.Std()))
	if _, err := raw.Write(head); err != nil {
		return 0, 0, err
	}
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer stop()
	j := &joint{idle: idle, write: o.front.limits.WriteTimeout.Std()}
	return j.join(raw, buffered.Reader, r.Upgraded)
}

// joint joins a client's and an upstream's connection until one ends, or
// nothing has come from either for the idle time.
type joint struct {
	idle, write time.Duration
	last        atomic.Int64 // when something last came, in Unix nanoseconds
}

func (j *joint) join(client net.Conn, fromClient io.Reader, upstream io.ReadWriteCloser) (toClient, toUpstream int64, err error) {
	j.last.Store(time.Now().UnixNano())
	done := make(chan error, 1)
	go func() {
		n, err := j.copy(upstream, fromClient, client)
		toUpstream = n
		upstream.Close() // ends the other direction
		done <- err
	}()
	toClient, err = j.copy(client, upstream, upstream)
	client.Close()
	if e := <-done; err == nil {
		err = e
	}
	return toClient, toUpstream, err
}

type readDeadline interface{ SetReadDeadline(time.Time) error }
type writeDeadline interface{ SetWriteDeadline(time.Time) error }

// copy passes bytes on until src ends. timed is where src's deadline is set.
func (j *joint) copy(dst io.Writer, src io.Reader, timed any) (int64, error) {
	buf := copyBuffers.Get().(*[16 << 10]byte)
	defer copyBuffers.Put(buf)
	deadline, _ := timed.(readDeadline)
	writeBy, _ := dst.(writeDeadline)
	var total int64
	for {
		if deadline != nil {
			deadline.SetReadDeadline(time.Now().Add(j.idle))
		}
		n, err := src.Read(buf[:])
		if n > 0 {
			j.last.Store(time.Now().UnixNano())
			if writeBy != nil {
				writeBy.SetWriteDeadline(time.Now().Add(j.write))
			}
			m, werr := dst.Write(buf[:n])
			total += int64(m)
			if werr != nil {
				return total, werr
			}
		}
		switch {
		case err == io.EOF:
			return total, nil
		case errors.Is(err, os.ErrDeadlineExceeded) && time.Since(time.Unix(0, j.last.Load())) < j.idle:
			// The other direction is alive.
		case err != nil:
			return total, err
		}
	}
}
