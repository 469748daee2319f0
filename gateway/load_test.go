// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load sends requests over kept connections until it is stopped, and holds the
// gateway to this: a request of whose answer a single byte came was accepted,
// and then it must be answered whole, and not with an error of the gateway. One
// that got a refused connection, or the end of it before any byte, was not
// accepted and is sent again.
type load struct {
	t       testing.TB
	address string
	stop    chan bool
	wg      sync.WaitGroup
	done    atomic.Int64 // answered
	again   atomic.Int64 // sent again
}

func startLoad(t testing.TB, address string, clients int) *load {
	l := &load{t: t, address: address, stop: make(chan bool)}
	for i := range clients {
		l.wg.Go(func() { l.client(i) })
	}
	return l
}

// end stops the clients and gives how many requests were answered and how many
// sent again.
func (l *load) end() (done, again int64) {
	close(l.stop)
	l.wg.Wait()
	return l.done.Load(), l.again.Load()
}

func (l *load) client(id int) {
	var c net.Conn
	var r *bufio.Reader
	drop := func() {
		if c != nil {
			c.Close()
			c = nil
		}
	}
	defer drop()
	for n := 0; ; {
		select {
		case <-l.stop:
			return
		default:
		}
		if c == nil {
			var err error
			if c, err = net.DialTimeout("tcp", l.address, time.Minute); err != nil {
				c = nil
				l.again.Add(1)
				<-time.After(2 * time.Millisecond)
				continue
			}
			c.SetDeadline(time.Now().Add(time.Minute))
			r = bufio.NewReader(c)
		}
		request := "GET /open HTTP/1.1\r\nHost: api.test\r\n\r\n"
		if n%3 == 2 {
			request = "POST /open HTTP/1.1\r\nHost: api.test\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
		}
		if _, err := io.WriteString(c, request); err != nil {
			drop()
			l.again.Add(1)
			continue
		}
		if _, err := r.Peek(1); err != nil {
			if e, ok := err.(net.Error); ok && e.Timeout() {
				l.t.Errorf("client %d, request %d: no answer in time", id, n)
				return
			}
			drop()
			l.again.Add(1)
			continue
		}
		closing, err := answered(r)
		if err != nil {
			l.t.Errorf("client %d, request %d was accepted and lost: %v", id, n, err)
			return
		}
		if n++; closing {
			drop()
		}
		l.done.Add(1)
	}
}

// answered reads one answer that must be whole and good.
func answered(r *bufio.Reader) (closing bool, err error) {
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return false, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return false, fmt.Errorf("%s, cut after %q: %w", resp.Status, body, err)
	}
	if resp.StatusCode != 200 || string(body) != "fine" {
		return false, fmt.Errorf("%s %s", resp.Status, body)
	}
	return resp.Close, nil
}
