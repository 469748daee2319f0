// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"durward/internal/loopback"
	"golang.org/x/sys/unix"
)

// full makes every write of the process to a file fail, as a full disk does,
// or takes that back.
func (d *daemon) full(full bool) {
	d.t.Helper()
	var limit unix.Rlimit
	if err := unix.Prlimit(d.cmd.Process.Pid, unix.RLIMIT_FSIZE, nil, &limit); err != nil {
		d.t.Fatal(err)
	}
	if limit.Cur = limit.Max; full {
		limit.Cur = 1
	}
	if err := unix.Prlimit(d.cmd.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		d.t.Fatal(err)
	}
}

// TestAFullDiskUnderLoadFollowsTheWrittenPolicy: with deny, what reached the
// upstream was recorded before, and everything else is a 503 that says so; with
// proceed, nothing is refused. When there is room again, all is as before.
func TestAFullDiskUnderLoadFollowsTheWrittenPolicy(t *testing.T) {
	program := build(t)
	for policy, refuses := range map[string]bool{"deny": true, "proceed": false} {
		t.Run(policy, func(t *testing.T) {
			var reached atomic.Int64
			s := newSite(t, strings.Replace(document, "durability: buffered", "on_error: "+policy, 1), func(w http.ResponseWriter, r *http.Request) {
				reached.Add(1)
				io.WriteString(w, "fine")
			})
			s.listen = loopback.Free(t)
			d := s.run(t, program)
			warm := startLoad(t, s.listen, 1)
			eventually(t, "the start", func() bool { return warm.done.Load() > 0 })
			warm.end()

			var ok, refused, stop atomic.Int64
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					for stop.Load() == 0 && !t.Failed() {
						resp, body := fetch(t, "http://"+s.listen+"/open")
						switch {
						case resp.StatusCode == 200 && body == "fine":
							ok.Add(1)
						case resp.StatusCode == 503 && strings.Contains(body, `"code":"audit-unavailable"`) && resp.Header.Get("Retry-After") != "":
							refused.Add(1)
						default:
							t.Errorf("%s %s", resp.Status, body)
						}
					}
				})
			}
			more := func(of *atomic.Int64, what string) {
				t.Helper()
				before := of.Load()
				eventually(t, what, func() bool { return of.Load() >= before+50 || t.Failed() })
			}
			more(&ok, "answers before")
			d.full(true)
			if refuses {
				more(&refused, "refusals")
				before, atUpstream := ok.Load(), reached.Load()
				more(&refused, "more refusals")
				if ok.Load() != before || reached.Load() != atUpstream {
					t.Errorf("%d were let through without a record", ok.Load()-before)
				}
			} else {
				more(&ok, "answers on a full disk")
			}
			d.full(false)
			eventually(t, "the recovery", func() bool { return strings.Contains(d.log.String(), "stores records again") })
			more(&ok, "answers afterwards")
			stop.Store(1)
			wg.Wait()
			if !refuses && refused.Load() > 0 {
				t.Errorf("%d were refused", refused.Load())
			}
			d.terminate()
			all := strings.Join(records(t, s.dir), "\n")
			if !strings.Contains(all, "audit log recovered") {
				t.Error("no record tells what is missing")
			}
			if refuses && strings.Count(all, `"kind":"attempt"`) < int(reached.Load()) {
				t.Errorf("%d reached the upstream, %d attempts are recorded", reached.Load(), strings.Count(all, `"kind":"attempt"`))
			}
		})
	}
}
