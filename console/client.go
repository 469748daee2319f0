// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Client talks to a gateway's control socket.
type Client struct{ http *http.Client }

// NewClient makes a client for the socket at path.
func NewClient(path string) *Client {
	return &Client{&http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", path)
			},
		},
	}}
}

// Reload asks the gateway to take its configuration file again. The error is
// the gateway's own, with file, line and field.
func (c *Client) Reload(ctx context.Context) (Status, error) {
	return c.ask(ctx, http.MethodPost, "/v1/reload")
}

// ReloadWeaker is Reload, also to a configuration that protects less.
func (c *Client) ReloadWeaker(ctx context.Context) (Status, error) {
	return c.ask(ctx, http.MethodPost, "/v1/reload?"+allowWeaker+"=true")
}

// Status asks the gateway how it is.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return c.ask(ctx, http.MethodGet, "/v1/status")
}

func (c *Client) ask(ctx context.Context, method, path string) (Status, error) {
	var s Status
	req, err := http.NewRequestWithContext(ctx, method, "http://"+SocketHost+path, nil)
	if err != nil {
		return s, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return s, fmt.Errorf("the gateway does not answer: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return s, err
	}
	if resp.StatusCode != http.StatusOK {
		var refused struct {
			Error string `json:"error"`
		}
		if json.Unmarshal(body, &refused) == nil && refused.Error != "" {
			return s, errors.New(refused.Error)
		}
		return s, fmt.Errorf("the gateway answered %s", resp.Status)
	}
	return s, json.Unmarshal(body, &s)
}
