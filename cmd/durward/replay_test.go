// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/hex"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"durward/config"
	"durward/explain"
	"durward/replay"
)

// TestAReplayWithTheSameConfigurationDecidesTheSame records the demo's traffic,
// good and hostile, and judges it again; once more with the contents left out.
func TestAReplayWithTheSameConfigurationDecidesTheSame(t *testing.T) {
	key := bytes.Repeat([]byte{9}, 32)
	for name, bodies := range map[string]string{"with contents": "64KiB", "without": "0"} {
		t.Run(name, func(t *testing.T) {
			before := demoConfig
			t.Cleanup(func() { demoConfig = before })
			demoConfig = slices.Concat(before, []byte("\nrecorder: {directory: recording, key: \""+hex.EncodeToString(key)+"\", max_body: "+bodies+"}\n"))
			d, err := (&demoCmd{Listen: "127.0.0.1:0"}).start(t.Context(), streams{io.Discard, io.Discard})
			stopped := false
			t.Cleanup(func() {
				if !stopped {
					d.stop()
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			client := &http.Client{Timeout: time.Minute}
			sent := 0
			for range 12 {
				for _, v := range d.visits() {
					d.pay(t.Context(), client, v)
					sent++
				}
			}
			if err := d.gateway.Shutdown(t.Context(), time.Second); err != nil {
				t.Fatal(err)
			}
			defer func() { stopped = true; d.gateway = nil; d.stop() }()
			variables := map[string]string{"DEMO_LISTEN": "127.0.0.1:0", "DEMO_ISSUER": d.issuerURL, "DEMO_UPSTREAM": "http://127.0.0.1:9"}
			cfg, err := config.Load(filepath.Join(d.dir, "durward.yaml"), func(name string) (string, bool) { v, ok := variables[name]; return v, ok })
			if err != nil {
				t.Fatal(err)
			}
			e, err := explain.New(cfg, d.store)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			refused := 0
			comparison := replay.Compare(func(r *replay.Record) replay.Decision {
				if !r.Decision.Allowed {
					refused++
				}
				return e.Replay(t.Context(), r)
			})
			if err := replay.Read(filepath.Join(d.dir, "recording"), key, comparison.Add); err != nil {
				t.Fatal(err)
			}
			s := comparison.Summary()
			if s.Records != sent || refused < 12 || refused == sent {
				t.Errorf("%d records of %d requests, %d refused", s.Records, sent, refused)
			}
			for _, g := range s.Groups {
				t.Errorf("%s %s: %d times %s, then %s (%s, before %s)", g.API, g.Operation, g.Count, g.Before.String(), g.After.String(), g.After.Reason, g.Before.Reason)
			}
		})
	}
}
