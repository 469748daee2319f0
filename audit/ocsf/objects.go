// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package ocsf

import (
	"encoding/json"
	"net"
	"net/netip"
	"sort"
	"strconv"
	"strings"
	"time"
)

// request is about a request: Authentication where the credentials were
// refused, else API Activity.
func request(e event, r record, kind string, at time.Time) {
	code, status := r.text("code"), int(r.number("status"))
	severity, state := informational, statusSuccess
	switch {
	case kind == "attempt":
		state = statusUnknown
	case code != "":
		if state, severity = statusFailure, low; status >= 500 {
			severity = medium
		}
	}
	client := endpoint(r)
	user, session := caller(r)
	if kind != "attempt" && (code == "unauthenticated" || r.text("stage") == "authn" && code != "") {
		classify(e, 3002, 1, severity) // Logon
		e["user"], e["is_remote"] = user, true
		if session != nil {
			e["session"] = session
		}
		e["service"] = service(r)
		method(e, r)
	} else {
		classify(e, 6003, activityOf(r.text("verb")), severity)
		e["actor"] = actor(r, user, session, code)
		e["api"] = api(r, code, status)
		e.set("resources", resources(r))
	}
	e["src_endpoint"], e["status_id"] = client, state
	if host := r.text("host"); host != "" {
		e["dst_endpoint"] = authority(host, r["host"])
	}
	e.set("status_code", r.take("code"))
	e.set("status_detail", r.take("reason"))
	e["http_request"] = httpRequest(r)
	if kind == "flood" {
		took := time.Duration(r.number("took_us")) * time.Microsecond
		e.set("count", r.take("count"))
		e["start_time"], e["end_time"] = at.Add(-took).UnixMilli(), at.UnixMilli()
	}
	if _, ok := r["took_us"]; ok {
		e["duration"] = r.number("took_us") / 1000
	}
}

// authority gives host and port of a Host field; what is no authority is a name
// as it stands.
func authority(host string, text json.RawMessage) event {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return event{"name": text}
		}
	}
	e := event{"hostname": name}
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		e["port"] = n
	}
	return e
}

func activityOf(verb string) int {
	switch verb {
	case "POST":
		return 1
	case "GET", "HEAD":
		return 2
	case "PUT", "PATCH":
		return 3
	case "DELETE":
		return 4
	}
	return other
}

// caller gives who called and with what. A sealed subject is its keyed hash.
func caller(r record) (user, session event) {
	user = event{"type_id": 0}
	user.set("uid", r.take("who"))
	user.set("uid", r.take("subject"))
	user.set("name", r.take("consumer"))
	user.set("credential_uid", r["credential"])
	if user["uid"] == nil && user["name"] == nil {
		user["name"] = "anonymous"
	}
	if credential, issuer := r.take("credential"), r["issuer"]; len(credential)+len(issuer) > 0 {
		session = event{"is_remote": true}
		session.set("uid", credential)
		session.set("issuer", issuer)
	}
	return user, session
}

func actor(r record, user, session event, code string) event {
	a := event{"user": user}
	if session != nil {
		a["session"] = session
	}
	if issuer := r.take("issuer"); len(issuer) > 0 {
		a["idp"] = event{"name": issuer}
	}
	var policies []json.RawMessage
	if json.Unmarshal(r["policies"], &policies) == nil && len(policies) > 0 {
		decision := "allow"
		if code != "" && r.text("stage") == "authz" {
			decision = "deny"
		}
		all := make([]event, len(policies))
		for i, p := range policies {
			all[i] = event{"decision": decision, "policy": event{"uid": p}}
		}
		a["authorizations"] = all
		delete(r, "policies")
	}
	return a
}

// method says how somebody tried to authenticate, where the record knows.
func method(e event, r record) {
	delete(r, "issuer")
	if m := r.take("method"); len(m) > 0 {
		e["auth_protocol_id"] = other
		e["auth_protocol"] = m
	}
}

// endpoint is where the request came from. A sealed address is its keyed hash.
func endpoint(r record) event {
	e := event{}
	client, _ := netip.ParseAddr(r.text("client"))
	peer, _ := netip.ParseAddrPort(r.text("peer"))
	e.set("ip", r.take("client"))
	switch {
	case !peer.IsValid():
	case !client.IsValid():
		e["ip"], e["port"] = peer.Addr().String(), peer.Port()
	case peer.Addr() == client:
		e["port"] = peer.Port()
	default: // a trusted proxy
		e["intermediate_ips"] = []string{peer.Addr().String()}
	}
	delete(r, "peer")
	if e.set("uid", r.take("from")); len(e) == 0 {
		e["name"] = "unknown"
	}
	return e
}

func service(r record) event {
	s := event{}
	if s.set("name", r.take("api")); len(s) == 0 {
		s["name"] = "unknown"
	}
	return s
}

// api is the operation. The request's id is that of both records of a request.
func api(r record, code string, status int) event {
	a := event{"service": service(r), "operation": "unknown"}
	a.set("operation", r.take("operation"))
	if id := r["request_id"]; len(id) > 0 {
		a["request"] = event{"uid": id}
	}
	if status != 0 {
		answer := event{"code": status}
		if code != "" {
			answer["error"] = r["code"]
			answer.set("error_message", r["reason"])
		}
		a["response"] = answer
		delete(r, "status")
	}
	return a
}

func resources(r record) json.RawMessage {
	var object map[string]json.RawMessage
	if json.Unmarshal(r["object"], &object) != nil || len(object) == 0 {
		return nil
	}
	delete(r, "object")
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	sort.Strings(names)
	all := make([]event, 0, len(object))
	for _, name := range names {
		all = append(all, event{"type": name, "uid": object[name]})
	}
	out, _ := json.Marshal(all)
	return out
}

func httpRequest(r record) event {
	h := event{}
	h.set("http_method", r.take("verb"))
	h.set("version", r.take("proto"))
	h.set("user_agent", r.take("user_agent"))
	h.set("length", r.take("bytes_in"))
	h.set("uid", r.take("request_id"))
	if path := r.take("path"); len(path) > 0 {
		h["url"] = event{"path": path}
	}
	delete(r, "host")
	return h
}

// operator sets who worked on the gateway and where, if the record names
// somebody: the schema has that in its profile "host".
func operator(e event, r record) {
	var who struct {
		Host    json.RawMessage `json:"host"`
		UID     int             `json:"uid"`
		User    json.RawMessage `json:"user"`
		Login   json.RawMessage `json:"login"`
		PID     int             `json:"pid"`
		Command json.RawMessage `json:"command"`
	}
	if json.Unmarshal(r["actor"], &who) != nil {
		return
	}
	delete(r, "actor")
	user := event{"uid": strconv.Itoa(who.UID), "type_id": 2, "type": "Admin"}
	user.set("name", who.User)
	user.set("uid_alt", who.Login)
	a := event{"user": user}
	if who.PID > 0 {
		p := event{"pid": who.PID}
		p.set("name", who.Command)
		a["process"] = p
	}
	e["actor"] = a
	e["metadata"].(event)["profiles"] = []string{"host"}
	if len(who.Host) > 0 {
		e["device"] = event{"hostname": who.Host, "type_id": 0}
	}
}

// entity is what was changed: the first of the targets, all of them beside it.
func entity(r record) event {
	var targets []string
	_ = json.Unmarshal(r["targets"], &targets)
	e := event{"name": "several"}
	if len(targets) > 0 {
		kind, _, _ := strings.Cut(targets[0], ":")
		e["type"] = kind
		var first []json.RawMessage
		_ = json.Unmarshal(r["targets"], &first)
		e["name"] = first[0]
		e["uid"] = first[0]
	}
	data := event{}
	data.set("targets", r.take("targets"))
	data.set("count", r.take("count"))
	data.set("changes", r.take("changes"))
	if len(data) > 0 {
		e["data"] = data
	}
	return e
}

func hasSuffix(s string, any ...string) bool {
	for _, suffix := range any {
		if strings.HasSuffix(s, suffix) {
			return true
		}
	}
	return false
}
