// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"bytes"
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
	mu    sync.Mutex
	open  map[*upgraded]struct{}
	ended chan struct{} // closed with the last one, once shutdown waits
	cut   bool
}

// upgraded is one of them, with both of its ends. It is counted from before
// net/http lets go of the connection, so that a shutdown misses none.
type upgraded struct {
	mu   sync.Mutex
	ends []io.Closer
	shut bool
}

// holds adds an end; one of a connection that was closed meanwhile is closed.
func (c *upgraded) holds(end io.Closer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ends = append(c.ends, end); c.shut {
		end.Close()
	}
}

// close closes both ends, since either may be waited for.
func (c *upgraded) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shut = true
	for _, end := range c.ends {
		end.Close()
	}
}

func (u *upgrades) add() *upgraded {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.open == nil {
		u.open = map[*upgraded]struct{}{}
	}
	c := &upgraded{shut: u.cut}
	u.open[c] = struct{}{}
	return c
}

func (u *upgrades) remove(c *upgraded) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.open, c)
	if len(u.open) == 0 && u.ended != nil {
		close(u.ended)
		u.ended = nil
	}
}

// shutdown lets upgraded connections end by themselves until ctx does, then
// cuts them.
func (u *upgrades) shutdown(ctx context.Context) error {
	u.mu.Lock()
	if len(u.open) == 0 {
		u.mu.Unlock()
		return nil
	}
	ended := make(chan struct{})
	u.ended = ended
	u.mu.Unlock()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	u.mu.Lock()
	u.cut = true
	for c := range u.open {
		c.close()
	}
	u.mu.Unlock()
	<-ended
	return ctx.Err()
}

var errUpgradeHTTP2 = errors.New("an upgrade needs HTTP/1.1")

// Upgrade implements durward.Responder: it sends the 101 and joins both ends.
func (o *responder) Upgrade(ctx context.Context, r *durward.Response, extra durward.Header, idle time.Duration) (toClient, toUpstream int64, err error) {
	if !o.http1 {
		o.cut = true
		return 0, 0, errUpgradeHTTP2
	}
	both := o.front.upgrades.add()
	defer o.front.upgrades.remove(both)
	both.holds(r.Upgraded)
	raw, buffered, err := http.NewResponseController(o.w).Hijack()
	if err != nil {
		o.cut = true
		return 0, 0, err
	}
	defer raw.Close()
	both.holds(raw)
	raw.SetDeadline(time.Time{})

	head := append([]byte(nil), "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "...)
	head = append(head, o.r.Header.Get("Upgrade")...)
	head = append(head, "\r\n"...)
	for _, section := range []durward.Header{r.Header, extra} {
		for _, f := range section {
			head = append(append(append(append(head, f.Name...), ": "...), f.Value...), "\r\n"...)
		}
	}
	head = append(head, "\r\n"...)
	if _, err := raw.Write(head); err != nil {
		return 0, 0, err
	}
	stop := context.AfterFunc(ctx, both.close)
	defer stop()
	j := &joint{idle: idle, write: o.front.limits.WriteTimeout.Std()}
	// What came early is in the buffer. Behind it the connection itself is
	// read: the reader of net/http takes a deadline for the end of the client.
	early, _ := buffered.Reader.Peek(buffered.Reader.Buffered())
	return j.join(raw, io.MultiReader(bytes.NewReader(early), raw), r.Upgraded)
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
