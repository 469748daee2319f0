// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package strength

import "maps"

// rules has an entry for every field of every type of the configuration, by
// package, type and name in the document: "contract.Config.max_body". Structs
// that are always there need none: their fields have.
var rules = func() map[string]rule {
	all := map[string]rule{}
	for _, part := range []map[string]rule{gatewayRules, listenerRules, apiRules, firewallRules, upstreamRules, credentialRules, methodRules} {
		for key := range part {
			if _, twice := all[key]; twice {
				panic("strength: two rules for " + key)
			}
		}
		maps.Copy(all, part)
	}
	return all
}()

func verdictOf(v verdict) *verdict { return &v }

// Reasons that several rules give.
const (
	resource  = "how long it may take and how much it may use; it lets nobody do more"
	operation = "for operators; no request is decided by it"
	whoCalls  = "who a caller is taken for"
	whoSigns  = "who can make what is accepted"
	explicit  = "what it allows is compared field by field"
)

// recording is the rule of what requests wait for, of an API or operation: what
// nobody says is as the log has it.
var recording = ranked("as audit.durability says", "required", "as audit.durability says", "buffered")

var gatewayRules = map[string]rule{
	"config.Config.listen": {
		key:     itemKey("address"),
		added:   verdictOf(weaker("the gateway can be reached at a further address")),
		removed: verdictOf(stronger("the gateway can no longer be reached at the address")),
	},
	"config.Config.trusted_proxies": fixed("who counts as the client of a request changes, and with it every rule about addresses"),
	"config.Config.store":           fixed("other consumers and keys"),
	"config.Config.issuers": {
		added:   verdictOf(unmoved("only what an API takes of it counts")),
		removed: verdictOf(weaker("cannot be compared: with it gone, another issuer's tokens may name any consumer of the store")),
	},
	"config.Config.token": {
		added:   verdictOf(unmoved("only an API's identity_token uses it")),
		removed: verdictOf(unmoved("no API has an identity_token")),
	},
	"config.Config.apis": {
		added:   verdictOf(weaker("a further API can be called")),
		removed: verdictOf(stronger("the API can no longer be called")),
	},
	"config.Config.probe":        neutral(operation),
	"config.Config.defaults":     neutral("it is compared in each API that takes it"),
	"config.Config.allow_weaker": neutral("a word about the change itself"),

	"config.Admin.address": {leaf: func(_, new value) verdict {
		if new.IsZero() {
			return stronger("health and metrics are no longer served")
		}
		return weaker("health and metrics are served, without authentication, at another address")
	}},
	"config.Admin.socket": neutral("only the gateway's own user can open it"),

	"config.Limits.requests":             lower("10000", "requests in flight"),
	"config.Limits.requests_per_address": lower("500", "requests in flight of one client"),
	"config.Limits.drain":                neutral(operation),
	"config.Limits.counters":             higher("131072", "clients that limits can tell apart"),

	"config.Problems.type_base":       neutral("a name in answers"),
	"inventory.Config.off":            neutral(operation),
	"inventory.Config.flush":          neutral(operation),
	"inventory.Config.max_undeclared": neutral(operation),
	"inventory.Config.shapes":         neutral(operation),
	"schedule.Config.api":             neutral(operation),
	"schedule.Config.url":             neutral(operation),
	"schedule.Config.users":           neutral(operation),
	"schedule.Config.cron":            neutral(operation),
	"schedule.Config.on_change":       neutral(operation),
	"schedule.Config.writes":          neutral(operation),
	"schedule.Config.checks":          neutral(operation),
	"schedule.Config.skip":            neutral(operation),
	"schedule.Config.max_requests":    neutral(operation),
	"schedule.Config.rate":            neutral(operation),
	"schedule.Config.time":            neutral(operation),
	"schedule.Config.fail_on":         neutral(operation),
	"schedule.Config.baseline":        neutral(operation),
	"schedule.Config.seed":            neutral(operation),

	"config.Log.level":  neutral(operation),
	"config.Log.format": neutral(operation),

	"audit.Config.directory":    fixed("the chain of records begins anew elsewhere"),
	"audit.Config.durability":   ranked("group", "group", "buffered"),
	"audit.Config.flood_window": lower("10s", "refusals that become one record"),
	"audit.Config.stage_times":  ranked("all", "all", "slow", "off"),
	"audit.Config.keep_files":   higher("unlimited", "files that are kept"),
	"audit.Config.keep_for":     higher("unlimited", "time that files are kept"),
	"audit.Config.max_file":     neutral("records are kept all the same"),
	"audit.Checkpoints.off": {leaf: func(_, new value) verdict {
		if new.IsZero() {
			return stronger("changes of records show")
		}
		return weaker("changes of records by who can write to the log do not show")
	}},
	"audit.Checkpoints.interval": lower("10s", "time in which records can be changed unseen"),
	"audit.Checkpoints.key":      fixed("another key signs the checkpoints: those that were kept elsewhere no longer tell anything"),
	"audit.Checkpoints.origin":   neutral("the name of a log that is begun anew"),
	"audit.Checkpoints.witnesses": {
		key:     itemPlace,
		added:   verdictOf(stronger("checkpoints are kept at a further place")),
		removed: verdictOf(weaker("checkpoints are kept at one place less")),
	},
	"audit.Config.export": {
		key:     itemKey("name"),
		added:   verdictOf(unmoved("records are told at a further place, and kept all the same")),
		removed: verdictOf(weaker("records are told at one place less")),
	},
	"audit.Export.name":          neutral("it pairs the exports"),
	"audit.Export.type":          fixed("records are told in another way"),
	"audit.Export.path":          fixed("records are told elsewhere"),
	"audit.Export.max_file":      neutral(operation),
	"audit.Export.keep_files":    higher("5", "files of an export that are kept"),
	"audit.Export.address":       fixed("records are told elsewhere"),
	"audit.Export.plaintext":     flag(false, "records leave over TLS only"),
	"audit.Export.url":           fixed("records are told elsewhere"),
	"audit.Export.ca":            fixed(whoSigns),
	"audit.Export.authorization": neutral("another credential is as hard to guess"),
	"audit.Export.secret":        neutral("another key is as hard to guess"),
	"audit.Index.off":            neutral("records are found more slowly"),
	"audit.Index.path":           neutral(operation),
	"audit.Witness.file":         fixed("checkpoints are kept elsewhere"),
	"audit.Witness.url":          fixed("checkpoints are kept elsewhere"),
	"audit.Witness.key":          fixed("another witness is trusted"),
	"audit.Config.compress":      neutral("records are kept all the same"),
	"audit.Config.max_queue":     neutral("what finds no room follows on_error"),
	"audit.Config.on_error":      ranked("deny", "deny", "proceed"),
	"seal.Config.master_key": {leaf: func(old, new value) verdict {
		switch {
		case new.IsZero():
			return weaker("what is personal in records is no longer sealed with this key")
		case old.IsZero():
			return stronger("what is personal in records is sealed with this key")
		}
		return unmoved("another key is as hard to guess")
	}},
	"seal.Config.kms": {
		added:   verdictOf(stronger("what is personal in records is sealed")),
		removed: verdictOf(weaker("what is personal in records is no longer sealed with a key of the service")),
	},
	"seal.Config.fields":     more("subject,address,user_agent,path", "what is sealed of a record"),
	"seal.Config.object_ids": more("", "parameters of paths that are sealed"),
	"seal.Config.keys":       fixed("the keys of subjects begin anew elsewhere"),
	"seal.KMS.url":           fixed("another service keeps the master key"),
	"seal.KMS.key":           fixed("another key is the master key"),
	"seal.KMS.token":         neutral("how the gateway shows itself to the service"),
	"seal.KMS.ca":            fixed("another authority is trusted for the service"),

	"observe.Config.endpoint": neutral(operation),
	"observe.Config.sample":   neutral(operation),
	"observe.Config.service":  neutral(operation),

	"replay.Config.directory": {leaf: func(_, new value) verdict {
		if new.IsZero() {
			return stronger("requests are not kept")
		}
		return weaker("requests are kept, encrypted, in another place")
	}},
	"replay.Config.key":      neutral("another key is as hard to guess"),
	"replay.Config.max_size": neutral(operation),
	"replay.Config.max_body": lower("", "how much of a request is kept"),
	"replay.Config.redact":   more("", "what is never kept"),

	"lockout.Config.mode":            mode(),
	"lockout.Config.alarm_after":     lower("1000", "failures before the alarm"),
	"lockout.Config.delay_after":     lower("20", "failures before a delay"),
	"lockout.Config.delay_base":      higher("1s", "the first delay"),
	"lockout.Config.delay_max":       higher("30s", "the longest delay"),
	"lockout.Config.identity_after":  lower("50", "failures before a credential is locked"),
	"lockout.Config.identity_ranges": lower("8", "ranges that these failures must come from"),
	"lockout.Config.ipv4_range":      lower("24", "ranges that one client can use"),
	"lockout.Config.ipv6_prefix":     lower("64", "sources that one client can use"),
	"lockout.Config.ipv6_range":      lower("48", "ranges that one client can use"),
	"lockout.Config.known_for":       lower("7d", "time that a source is trusted after a success"),
	"lockout.Config.lock_after":      lower("60", "failures before a source is locked"),
	"lockout.Config.lock_for":        higher("5m", "time that a lock holds"),
	"lockout.Config.range_after":     lower("200", "failures before a range is locked"),
	"lockout.Config.range_ids":       lower("50", "ids that fail before a range is locked"),
	"lockout.Config.spray_ids":       lower("30", "ids that fail before a source is locked"),
	"lockout.Config.window":          higher("15m", "time that failures count"),

	"token.Config.issuer":        fixed("upstreams take the gateway for another one"),
	"token.Config.algorithm":     neutral("both are sound"),
	"token.Config.directory":     fixed(whoSigns),
	"token.Config.key_files":     fixed(whoSigns),
	"token.Config.publish_ahead": neutral(operation),
	"token.Config.rotate_after":  lower("30d", "time that a key signs"),
}

var listenerRules = map[string]rule{
	"listen.Config.address":        neutral("listeners are told apart by it"),
	"listen.Config.http2":          neutral("requests of both versions are decided alike"),
	"listen.Config.proxy_protocol": fixed("who counts as the client of a connection"),
	"listen.Config.tls": {
		added:   verdictOf(stronger("connections are encrypted")),
		removed: verdictOf(weaker("connections are no longer encrypted")),
	},
	"listen.Limits.header_bytes":            lower("32KiB", "bytes of a header section"),
	"listen.Limits.header_timeout":          lower("10s", "time for a header section"),
	"listen.Limits.body_timeout":            lower("20s", "time that a body may hesitate"),
	"listen.Limits.body_min_rate":           higher("500B", "the rate that a body must come with"),
	"listen.Limits.write_timeout":           lower("30s", "time that a client need not read"),
	"listen.Limits.idle_timeout":            lower("45s", "time that a connection may be idle"),
	"listen.Limits.connections":             lower("20000", "open connections"),
	"listen.Limits.connections_per_address": lower("1000", "open connections of one client"),
	"listen.Limits.streams":                 lower("100", "requests in flight on one connection"),

	"listen.TLS.certificates": {
		key:     itemKey("cert"),
		added:   verdictOf(unmoved("which names are served; what may be called is not decided by it")),
		removed: verdictOf(unmoved("which names are served; what may be called is not decided by it")),
	},
	"listen.TLS.min_version":         ranked("1.2", "1.3", "1.2"),
	"listen.Certificate.cert":        neutral("certificates are told apart by it"),
	"listen.Certificate.key":         neutral("the key belongs to the certificate"),
	"listen.ClientCertificates.mode": ranked("off", "require", "request", "off"),
	"listen.ClientCertificates.ca":   fixed("whose certificates are taken"),
	"listen.ClientCertificates.crl":  revocation(),
}
