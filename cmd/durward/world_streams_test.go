// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/rogpeppe/go-internal/testscript"

	"durward/durwardtest"
	"durward/examples/moot"
)

// cmdMoot: "moot [ORIGIN...]" starts the sample API as the upstream and sets
// $UPSTREAM. It opens WebSockets for its own pages and those of the origins.
func (w *world) cmdMoot(ts *testscript.TestScript, args []string) error {
	o := moot.Options{Origins: args}
	if len(args) == 2 && args[0] == "--flaws" {
		o = moot.Options{Flaws: strings.Split(args[1], ",")}
	}
	api, err := moot.New(o)
	if err != nil {
		return err
	}
	server := httptest.NewServer(api.Handler())
	w.upstreams[""] = &upstream{Upstream: &durwardtest.Upstream{Server: server}}
	ts.Defer(api.Close) // ends its streams
	ts.Setenv("UPSTREAM", server.URL)
	return nil
}

// cmdSSE: "sse NAME PATH COUNT [-H F]" follows server-sent events in the
// background until COUNT events have come; it returns when the first bytes
// have. "finish NAME" gives the events.
func (w *world) cmdSSE(ts *testscript.TestScript, args []string) error {
	if len(args) < 3 {
		return errors.New("usage: sse NAME PATH COUNT [-H F]")
	}
	count, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	o, err := parseRequest(ts, append([]string{"200", "GET", args[1]}, args[3:]...))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	req, err := http.NewRequestWithContext(ctx, o.method, o.url, nil)
	if err != nil {
		cancel()
		return err
	}
	req.Header = o.header
	resp, err := o.client().Do(req)
	if err != nil {
		cancel()
		return err
	}
	b := &background{done: make(chan error, 1)}
	w.started[args[0]] = b
	fmt.Fprintf(&b.out, "%s\nContent-Type: %s\n", resp.Status, resp.Header.Get("Content-Type"))
	r := bufio.NewReader(resp.Body)
	if _, err := r.Peek(1); err != nil && resp.StatusCode == 200 {
		cancel()
		return err
	}
	go func() {
		defer cancel()
		defer resp.Body.Close()
		b.done <- b.follow(r, count)
	}()
	return nil
}

// follow copies lines until so many of them were data.
func (b *background) follow(r *bufio.Reader, count int) error {
	for count > 0 {
		line, err := r.ReadString('\n')
		b.out.WriteString(line)
		if err != nil {
			return fmt.Errorf("%d events are missing: %w", count, err)
		}
		if strings.HasPrefix(line, "data:") {
			count--
		}
	}
	return nil
}

// socketClient is an open WebSocket.
type socketClient struct{ conn *websocket.Conn }

// cmdWebsocket: "websocket open NAME PATH [-H F]" makes a WebSocket; on a
// refusal it gives the answer and fails. "websocket send NAME TEXT" sends a
// message, "websocket receive NAME" gives the next one, "websocket close NAME"
// ends it; "websocket ended NAME" waits until the other side does.
func (w *world) cmdWebsocket(ts *testscript.TestScript, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: websocket open|send|receive|close|ended NAME ...")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if args[0] == "open" {
		return w.openSocket(ctx, ts, args[1], args[2:])
	}
	s := w.sockets[args[1]]
	if s == nil {
		return errors.New("no such WebSocket is open")
	}
	switch args[0] {
	case "send":
		return s.conn.Write(ctx, websocket.MessageText, []byte(strings.Join(args[2:], " ")))
	case "receive":
		_, data, err := s.conn.Read(ctx)
		fmt.Fprintf(w.stdout(ts), "%s\n", data)
		return err
	case "close":
		delete(w.sockets, args[1])
		return s.conn.Close(websocket.StatusNormalClosure, "")
	case "ended":
		if _, _, err := s.conn.Read(ctx); err == nil || ctx.Err() != nil {
			return errors.New("it goes on")
		}
		return nil
	}
	return errors.New("unknown verb " + args[0])
}

func (w *world) openSocket(ctx context.Context, ts *testscript.TestScript, name string, args []string) error {
	o, err := parseRequest(ts, append([]string{"101", "GET"}, args...))
	if err != nil {
		return err
	}
	conn, resp, err := websocket.Dial(ctx, strings.Replace(o.url, "http", "ws", 1), &websocket.DialOptions{HTTPHeader: o.header, HTTPClient: o.client()})
	if resp != nil {
		fmt.Fprintf(w.stdout(ts), "%s\n", resp.Status)
		writeFields(w.stdout(ts), "", resp.Header)
		if err != nil && resp.Body != nil {
			var b strings.Builder
			bufio.NewReader(resp.Body).WriteTo(&b)
			fmt.Fprintln(w.stdout(ts), b.String())
		}
	}
	if err != nil {
		return err
	}
	w.sockets[name] = &socketClient{conn}
	return nil
}
