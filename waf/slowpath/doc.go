// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package slowpath decides which requests may run the firewall's rule engine,
// and when. A run takes 1 to some 100 ms of processor time, and a client can
// force one with every request, so runs are the cheapest way to keep a gateway
// busy (OWASP API4:2023, unrestricted resource consumption).
//
// What is bounded, by Config: the processor time of one client and of all, as
// GCRA over nanoseconds (ITU-T I.371, the leaky bucket as a meter); the runs at a
// time, so that requests that need none always find a processor; the queue and
// the time in it. The processor time is that of the thread, which counts neither
// waiting nor the work of others; where the system has no such clock it is the
// time that went by. A run is paid for by estimate before it begins and by
// measurement when it ends, and nothing ends it before: what bounds the longest
// run is MaxRun, held against the estimate, and the limits of content.
//
// The queue is not first come first served: the client that has used least goes
// first, and a full queue puts out who has used most. So one client that sends
// without end keeps nobody else waiting for more than the runs under way.
//
// Failure policy: whoever finds the budget or the queue spent is told so; the
// firewall refuses then unless on_exhausted says otherwise. State kept: one time
// per client in a bounded table (clients.go), over reloads.
package slowpath
