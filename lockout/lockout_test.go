// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package lockout

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"durward"
	"durward/internal/units"
)

const (
	attacker = "198.51.100.66"
	office   = "192.0.2.1"
)

func TestDelaysGrowAndEndInALock(t *testing.T) {
	s := newScene(t, Config{})
	waits := s.insist(by(attacker, "victim"), 12)
	sec := time.Second
	// Half a minute of waiting makes most of one failure good, so that one delay comes twice.
	want := []time.Duration{0, 0, 0, 0, 0, sec, 2 * sec, 4 * sec, 8 * sec, 16 * sec, 16 * sec, 30 * sec, 30 * sec}
	if !slices.Equal(waits, want) {
		t.Errorf("waits are %v, want %v", waits, want)
	}
	for n := 0; ; n++ {
		if n > 40 {
			t.Fatal("never locked")
		}
		if d := s.insist(by(attacker, "victim"), 1)[1]; d == 5*time.Minute {
			break
		}
	}
	if !slices.Contains(s.events(), "source") || !slices.Contains(s.events(), "pair") {
		t.Errorf("told %v", s.events())
	}
	s.pass(5*time.Minute - 1)
	s.mustWait("just before the lock ends", by(attacker, "victim"), 1)
	s.pass(1)
	s.mustPass("once it has ended", by(attacker, "victim"))
}

func TestABurstIsLockedAtOnce(t *testing.T) {
	s := newScene(t, Config{})
	for range 20 { // attempts that were all let through before the first had failed
		s.view.Failed(by(attacker, "victim"))
	}
	s.mustWait("after 20 parallel failures", by(attacker, "victim"), 5*time.Minute)
	s.pass(time.Minute)
	s.view.Failed(by(attacker, "victim"))
	s.mustWait("a late failure does not prolong the lock", by(attacker, "victim"), 4*time.Minute)
}

func TestOneAttemptIsLetThroughWhenADelayIsOver(t *testing.T) {
	s := newScene(t, Config{})
	a := by(attacker, "victim")
	for range 7 {
		s.view.Failed(a)
	}
	s.mustWait("within the delay", a, 4*time.Second)
	s.pass(4 * time.Second)
	s.mustPass("the first after it", a)
	s.mustWait("the second after it", a, time.Second)
	s.view.Failed(a)
	if d := s.wait(a); d < 4*time.Second {
		t.Errorf("the next delay is only %v", d)
	}
}

func TestWhoStopsIsForgotten(t *testing.T) {
	s := newScene(t, Config{})
	s.insist(by(attacker, "victim"), 10)
	s.pass(15 * time.Minute)
	for i := range 5 {
		s.mustPass(fmt.Sprint("attempt ", i), by(attacker, "victim"))
		s.view.Failed(by(attacker, "victim"))
	}
}

func TestNobodyIsRefusedForTheFailuresOfOthers(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(s *scene)
		who  Attempt
	}{
		{"another source, the same credential", func(s *scene) { burst(s, attacker, "victim", 100) }, by(office, "victim")},
		{"a known pair at a locked source", func(s *scene) {
			s.succeed(by(office, "good"))
			burst(s, office, "victim", 100)
		}, by(office, "good")},
		{"a known pair at a source that sprays", func(s *scene) {
			s.succeed(by(office, "good"))
			spray(s, office, 100)
		}, by(office, "good")},
		{"a known pair in a locked range", func(s *scene) {
			s.succeed(by(office, "good"))
			for i := range 250 {
				spray(s, "192.0.2."+strconv.Itoa(i+2), 5)
			}
		}, by(office, "good")},
		{"a known pair of a credential that is attacked from everywhere", func(s *scene) {
			s.succeed(by(office, "victim"))
			for i := range 500 {
				burst(s, host(i), "victim", 4)
			}
		}, by(office, "victim")},
		{"a new source, while seven networks attack the credential", func(s *scene) {
			for i := range 7 {
				for j := range 100 {
					burst(s, fmt.Sprintf("10.0.%d.%d", i, j), "victim", 4)
				}
			}
		}, by(office, "victim")},
		{"a new source, while the whole of one IPv6 /48 attacks the credential", func(s *scene) {
			for i := range 1000 {
				burst(s, fmt.Sprintf("2001:db8:0:%x::1", i), "victim", 4)
			}
		}, by(office, "victim")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t, Config{})
			tt.do(s)
			s.mustPass(tt.name, tt.who)
		})
	}
}

// burst fails n times at once, and spray once each with n credentials.
func burst(s *scene, source, credential string, n int) {
	for range n {
		s.view.Failed(by(source, credential))
	}
}

func spray(s *scene, source string, n int) {
	for i := range n {
		s.view.Failed(by(source, source+"/user-"+strconv.Itoa(i)))
	}
}

func TestPatternsAcrossAccountsAreLocked(t *testing.T) {
	for _, tt := range []struct {
		name    string
		do      func(s *scene)
		who     Attempt
		locked  string
		atMost  time.Duration
		atLeast time.Duration
	}{
		{"many ids from one source lock it before their number would", func(s *scene) { spray(s, attacker, 14) },
			by(attacker, "another"), "source", 5 * time.Minute, 5 * time.Minute},
		{"few ids from one source are only delayed", func(s *scene) { spray(s, attacker, 6) },
			by(attacker, "another"), "", 30 * time.Second, time.Second},
		{"sources of one /24 that try one account each lock the range", func(s *scene) {
			for i := range 100 {
				burst(s, fmt.Sprintf("198.51.100.%d", i), fmt.Sprintf("user-%d", i), 1)
			}
		}, by("198.51.100.200", "another"), "range", 5 * time.Minute, 5 * time.Minute},
		{"IPv6 sources of one /48 that try one account each lock the range", func(s *scene) {
			for i := range 100 {
				burst(s, fmt.Sprintf("2001:db8:0:%x::1", i), fmt.Sprintf("user-%d", i), 1)
			}
		}, by("2001:db8:0:ffff::1", "another"), "range", 5 * time.Minute, 5 * time.Minute},
		{"sources of one /24 that claim nothing lock the range by their number", func(s *scene) {
			for i := range 200 {
				burst(s, fmt.Sprintf("198.51.100.%d", i), "", 1)
			}
		}, by("198.51.100.201", ""), "range", 5 * time.Minute, 5 * time.Minute},
		{"one credential tried from many networks is locked for new sources", func(s *scene) {
			for i := range 60 {
				burst(s, host(i), "victim", 1)
			}
		}, by(attacker, "victim"), "identity", 5 * time.Minute, 5 * time.Minute},
		{"and others are not", func(s *scene) {
			for i := range 60 {
				burst(s, host(i), "victim", 1)
			}
		}, by(attacker, "another"), "identity", 0, 0},
		{"hosts of one /64 are one source", func(s *scene) {
			for i := range 20 {
				burst(s, fmt.Sprintf("2001:db8::%x", i+1), "victim", 1)
			}
		}, by("2001:db8::ffff", "victim"), "source", 5 * time.Minute, 5 * time.Minute},
		{"an IPv4-mapped address is the same source", func(s *scene) { burst(s, "::ffff:198.51.100.66", "victim", 20) },
			by(attacker, "victim"), "source", 5 * time.Minute, 5 * time.Minute},
		{"a zone makes no other source", func(s *scene) { burst(s, "fe80::1%eth0", "victim", 20) },
			by("fe80::1%eth1", "victim"), "source", 5 * time.Minute, 5 * time.Minute},
		{"an account tried with many credentials from many networks is locked for new sources", func(s *scene) {
			for i := range 60 {
				a := by(host(i), "cert-"+strconv.Itoa(i))
				a.Account = "alice"
				s.view.Failed(a)
			}
		}, Attempt{Source: by(attacker, "").Source, Account: "alice"}, "identity", 5 * time.Minute, 5 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t, Config{})
			tt.do(s)
			if d := s.wait(tt.who); d < tt.atLeast || d > tt.atMost {
				t.Errorf("has to wait %v, want %v to %v", d, tt.atLeast, tt.atMost)
			}
			if got := slices.Contains(s.events(), tt.locked); got != (tt.locked != "") {
				t.Errorf("told %v", s.events())
			}
		})
	}
}

func TestSomebodyWithAGoodCredentialGainsNothingForGuessing(t *testing.T) {
	t.Run("successes between the guesses reset nothing", func(t *testing.T) {
		s := newScene(t, Config{})
		for i := range 20 {
			s.view.Failed(by(attacker, "victim-"+strconv.Itoa(i%3)))
			s.succeed(by(attacker, "own"))
		}
		s.mustWait("the next guess", by(attacker, "victim-0"), 5*time.Minute)
		s.mustPass("his own", by(attacker, "own"))
	})
	t.Run("guesses at his own id count", func(t *testing.T) {
		s := newScene(t, Config{})
		s.succeed(by(attacker, "own"))
		burst(s, attacker, "own", 20)
		s.mustWait("his own", by(attacker, "own"), 5*time.Minute)
	})
	t.Run("a good client id does not open the accounts behind it", func(t *testing.T) {
		s := newScene(t, Config{})
		s.succeed(by(attacker, "client"))
		for i := range 20 {
			a := by(attacker, "client")
			a.Account = "user-" + strconv.Itoa(i)
			s.view.Failed(a)
		}
		a := by(attacker, "client")
		a.Account = "another"
		s.mustWait("another account", a, 5*time.Minute)
	})
	t.Run("a known account does not open other credentials", func(t *testing.T) {
		s := newScene(t, Config{})
		known := Attempt{Source: by(attacker, "").Source, Credential: "c", Account: "own"}
		s.succeed(known)
		spray(s, attacker, 20)
		known.Credential = "guessed"
		s.mustWait("a guessed credential of it", known, 5*time.Minute)
	})
}

func TestGoodClientsAreNotLockedOut(t *testing.T) {
	t.Run("an expired token that is sent again and again", func(t *testing.T) {
		s := newScene(t, Config{})
		a := Attempt{Source: by(office, "").Source, Account: "issuer/alice", Presented: "the old token"}
		for range 1000 {
			if !s.fail(a) {
				t.Fatal("refused")
			}
			s.pass(100 * time.Millisecond)
		}
		a.Presented = "the new token"
		if !s.succeed(a) {
			t.Error("the new token is refused")
		}
		if st := s.view.Stats(); st.Failures != 1 || st.Repeats != 999 {
			t.Errorf("%d were counted and %d repeated", st.Failures, st.Repeats)
		}
	})
	t.Run("50 of them behind one address", func(t *testing.T) {
		s := newScene(t, Config{})
		for i := range 50 { // they worked yesterday
			s.succeed(by(office, "user-"+strconv.Itoa(i)))
		}
		for range 20 {
			for i := range 50 {
				a := by(office, "user-"+strconv.Itoa(i))
				a.Presented = "old-" + strconv.Itoa(i)
				if !s.fail(a) {
					t.Fatal("refused")
				}
			}
			s.pass(time.Second)
		}
		s.mustPass("somebody new among them", by(office, "new"))
	})
	t.Run("one whose credential is not told, retrying as fast as it may", func(t *testing.T) {
		s := newScene(t, Config{})
		s.succeed(by(office, "good"))
		for range 6000 { // ten minutes
			s.fail(by(office, "good"))
			s.pass(100 * time.Millisecond)
		}
		if d := s.wait(by(office, "good")); d > 5*time.Minute {
			t.Errorf("it has to wait %v after it got a new one", d)
		}
	})
	t.Run("a typing error before the right credential", func(t *testing.T) {
		s := newScene(t, Config{})
		burst(s, office, "good", 4)
		if !s.succeed(by(office, "good")) {
			t.Fatal("refused")
		}
		burst(s, office, "good", 4)
		s.mustPass("four more", by(office, "good"))
	})
	t.Run("a company behind one address may fail more often", func(t *testing.T) {
		s := newScene(t, Config{})
		for i := range 30 {
			s.succeed(by(office, "user-"+strconv.Itoa(i)))
		}
		spray(s, office, 25) // would lock anybody else
		s.mustPass("somebody new", by(office, "new"))
		spray(s, office, 200)
		s.mustWait("somebody new, when it sprays", by(office, "new"), 5*time.Minute)
	})
	t.Run("a known pair is forgotten in time", func(t *testing.T) {
		s := newScene(t, Config{})
		s.succeed(by(office, "good"))
		s.pass(8 * 24 * time.Hour)
		burst(s, office, "victim", 20)
		s.mustWait("it", by(office, "good"), 5*time.Minute)
	})
	t.Run("a known pair that is used stays known", func(t *testing.T) {
		s := newScene(t, Config{})
		for range 10 {
			s.succeed(by(office, "good"))
			s.pass(3 * 24 * time.Hour)
		}
		burst(s, office, "victim", 20)
		s.mustPass("it", by(office, "good"))
	})
}

func TestTheAlarmIsRaisedByManySmallFailures(t *testing.T) {
	s := newScene(t, Config{})
	for i := range 1500 { // each source and each account once
		s.fail(by(host(i*7), "user-"+strconv.Itoa(i)))
		s.pass(300 * time.Millisecond)
	}
	if !slices.Equal(s.events(), []string{"alarm"}) {
		t.Errorf("told %v", s.events())
	}
	if st := s.view.Stats(); !st.Alarm || st.Pressure < 900 {
		t.Errorf("the state says %+v", st)
	}
	s.pass(8 * time.Minute)
	if st := s.view.Stats(); st.Alarm || !slices.Equal(s.events(), []string{"alarm", "calm"}) {
		t.Errorf("told %v, and the state says %+v", s.events(), st)
	}
}

func TestModesAndReloads(t *testing.T) {
	t.Run("report refuses nobody and counts", func(t *testing.T) {
		s := newScene(t, Config{Mode: durward.Report})
		burst(s, attacker, "victim", 100)
		s.mustPass("a locked source", by(attacker, "victim"))
		if st := s.view.Stats(); st.WouldRefuse != 1 || st.Refused != 0 || st.Locked[KindSource] != 1 {
			t.Errorf("the state says %+v", st)
		}
	})
	t.Run("off does nothing", func(t *testing.T) {
		s := newScene(t, Config{Mode: durward.Off})
		burst(s, attacker, "victim", 100)
		s.view.Succeeded(by(attacker, "victim"))
		s.mustPass("anybody", by(attacker, "victim"))
		if s.view != nil || s.view.Stats() != (Stats{}) {
			t.Error("there is a view")
		}
	})
	t.Run("locks outlive a reload", func(t *testing.T) {
		s := newScene(t, Config{})
		burst(s, attacker, "victim", 20)
		s.reload(Config{LockAfter: 50})
		s.mustWait("the locked", by(attacker, "victim"), 5*time.Minute)
	})
	t.Run("nobody waits longer than the new rules say", func(t *testing.T) {
		s := newScene(t, Config{LockFor: units.Duration(time.Hour)})
		burst(s, attacker, "victim", 20)
		s.reload(Config{LockFor: units.Duration(time.Minute)})
		s.mustWait("the locked", by(attacker, "victim"), time.Minute)
		s.pass(time.Minute - 1)
		s.mustWait("the locked, a moment before that", by(attacker, "victim"), 1)
		s.pass(1)
		s.mustPass("the locked, after that", by(attacker, "victim"))
	})
	t.Run("a clock that is set back neither locks nor frees for longer", func(t *testing.T) {
		s := newScene(t, Config{})
		s.pass(time.Hour)
		burst(s, attacker, "victim", 20)
		s.pass(-time.Hour)
		s.mustWait("the locked", by(attacker, "victim"), 5*time.Minute)
		s.mustPass("another", by(office, "victim"))
	})
}

func TestStatsTellWhatIs(t *testing.T) {
	s := newScene(t, Config{})
	burst(s, attacker, "victim", 20)
	burst(s, office, "victim", 6)
	s.wait(by(attacker, "victim"))
	st := s.view.Stats()
	if st.Failures != 26 || st.Refused != 1 || st.Locks[KindSource] != 1 || st.Locks[KindPair] != 1 || st.Locks[KindRange] != 0 {
		t.Errorf("the counts are %+v", st)
	}
	if st.Locked != [kinds]int{1, 0, 1, 0} || st.Delayed != [kinds]int{1, 0, 1, 0} || st.Tracked != 7 {
		t.Errorf("the state is %+v", st)
	}
	if len(s.told) != 2 || s.told[0].Source.String() != attacker+"/32" || s.told[0].For != 5*time.Minute {
		t.Errorf("told %+v", s.told)
	}
}
