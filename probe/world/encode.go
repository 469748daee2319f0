// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"durward/probe/call"
	"durward/probe/client"
)

func (w *World) encode(c *call.Call) (*client.Request, error) {
	r := &client.Request{Method: c.Op.Method}
	if c.Method != "" {
		r.Method = c.Method
	}
	path := c.Op.Path
	for _, v := range c.Path {
		path = strings.Replace(path, "{"+v.Name+"}", url.PathEscape(fmt.Sprint(v.Value)), 1)
	}
	q := []string{}
	for _, v := range c.Query {
		q = append(q, url.QueryEscape(v.Name)+"="+url.QueryEscape(fmt.Sprint(v.Value)))
	}
	r.Target = w.Base + path
	if len(q) > 0 {
		r.Target += "?" + strings.Join(q, "&")
	}
	for _, v := range c.Header {
		r.Add(v.Name, fmt.Sprint(v.Value))
	}
	if !c.HasBody {
		return r, nil
	}
	r.Set("Content-Type", c.MediaType)
	if strings.Contains(c.MediaType, "urlencoded") {
		m, _ := c.Body.(map[string]any)
		q := url.Values{}
		for k, v := range m {
			q.Set(k, fmt.Sprint(v))
		}
		r.Body = []byte(q.Encode())
		return r, nil
	}
	if s, ok := c.Body.(string); ok && !strings.Contains(c.MediaType, "json") {
		r.Body = []byte(s)
		return r, nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(c.Body); err != nil {
		return nil, err
	}
	r.Body = bytes.TrimSpace(b.Bytes())
	return r, nil
}
