// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"

	"durward"
	"durward/address"
	"durward/authn"
	"durward/authz"
	"durward/contract"
	"durward/cors"
	"durward/egress"
	"durward/internal/units"
	"durward/proxy"
	"durward/ratelimit"
	"durward/token"
	"durward/waf"
)

// API is one entry of `apis:`: a set of operations behind one prefix.
type API struct {
	// Hosts are the host names that this API answers for. Empty answers for
	// every host.
	Hosts []string `yaml:"hosts"`
	// Prefix is the path below which the API's operations lie: /moot. Empty
	// is the root.
	Prefix string `yaml:"prefix"`
	// Contract is the file of the API's OpenAPI document (3.0 or 3.1, JSON or
	// YAML). Only operations that it declares can be called.
	Contract string `yaml:"contract" path:"true"`
	// Validation says how requests are held against the contract.
	Validation contract.Config `yaml:"validation"`
	// Upstream is where the API really runs.
	Upstream proxy.Config `yaml:"upstream"`
	// Authenticate lists the kinds of credential that are taken, any one of
	// which will do. It may be empty only when every operation is public.
	Authenticate authn.Config `yaml:"authenticate"`
	// Security says how the contract's own security is taken.
	Security Security `yaml:"security"`
	// Addresses are the client addresses that may call the API. One that may
	// not is refused before anything else is done for it.
	Addresses address.Config `yaml:"addresses"`
	// RateLimit limits clients before they are authenticated. Each API counts
	// for itself.
	RateLimit ratelimit.Config `yaml:"rate_limit"`
	// Quota limits who was authenticated.
	Quota ratelimit.PrincipalConfig `yaml:"quota"`
	// Authorize says who may call what. Every operation that is not public
	// must be covered by it.
	Authorize authz.Config `yaml:"authorize"`
	// WAF is the firewall: whether requests, and answers, look like an attack.
	// Without it there is none.
	WAF *waf.Config `yaml:"waf"`
	// IdentityToken tells the upstream who calls, in a token that the gateway
	// signs. The keys are those of token.
	IdentityToken *token.IdentityConfig `yaml:"identity_token"`
	// CORS says which web origins may call the API from a browser. Without it
	// none but the API's own may.
	CORS *cors.Config `yaml:"cors"`
	// Response guards what the upstream answers.
	Response Response `yaml:"response"`
	// Audit says what requests wait for, in place of audit.durability: required,
	// until their record is on the disk, or they are refused; buffered, until
	// the operating system has it.
	Audit string `yaml:"audit" enum:"required,buffered"`
	// Override lists the fields (validation.max_body) in which this API may
	// protect less than defaults say. Without it such an API does not load.
	Override []string `yaml:"override"`
	// Operations refines single operations, by operationId. An operation
	// without one is called "METHOD /template".
	Operations map[string]*Operation `yaml:"operations"`
}

// Response is the `response:` part of an API.
type Response struct {
	egress.Config `yaml:",inline"`
	// Contract says how answers are held against the API's document.
	Contract contract.ResponseConfig `yaml:"contract"`
}

// Check reports every fault of the configuration.
func (r *Response) Check() error {
	return errors.Join(r.Config.Check(), durward.InvalidIn("contract", r.Contract.Check()))
}

// OperationResponse is the `response:` part of an operation.
type OperationResponse struct {
	// Contract says how this operation's answers are held against the
	// document, in place of all that response.contract of the API says.
	Contract contract.ResponseConfig `yaml:"contract"`
}

// Security is the `security:` part of an API or operation.
type Security struct {
	// From says what decides which of the methods an operation takes: contract
	// (the default) follows the security of the OpenAPI document where it has
	// some, and the two must agree; configuration takes any of the methods
	// under authenticate, whatever the document says.
	From string `yaml:"from" enum:"contract,configuration"`
	// Unused are security schemes of the document that the gateway does not
	// offer. Alternatives that need one of them are left out.
	Unused []string `yaml:"unused"`
}

// Operation is one entry of `operations:`. What is left out is as the API says.
type Operation struct {
	// Public lets everybody call the operation, without a credential. It is
	// the only way to open one.
	Public bool `yaml:"public"`
	// Security says how the contract's security of this operation is taken, in
	// place of what the API says.
	Security *Security `yaml:"security"`
	// MaxBody bounds the request's content, in place of validation.max_body.
	MaxBody units.Bytes `yaml:"max_body"`
	// Timeout bounds the wait for the head of the answer, in place of
	// upstream.timeout.
	Timeout units.Duration `yaml:"timeout"`
	// BodyIdleTimeout bounds the silence within an answer's content, in place
	// of upstream.body_idle_timeout. Long-lived streams need it.
	BodyIdleTimeout units.Duration `yaml:"body_idle_timeout"`
	// RateLimit limits clients of this operation before they are
	// authenticated, on top of the API's rate_limit.
	RateLimit *ratelimit.Config `yaml:"rate_limit"`
	// Quota limits authenticated callers of this operation, on top of the
	// API's quota.
	Quota *ratelimit.PrincipalConfig `yaml:"quota"`
	// Upgrades are the protocols that a client may switch to on this
	// operation (websocket), in place of upstream.upgrades.
	Upgrades []string `yaml:"upgrades"`
	// Response says how the operation's answers are guarded.
	Response *OperationResponse `yaml:"response"`
	// WAF says what of the firewall is otherwise for this operation. It needs
	// the API's waf.
	WAF *waf.Operation `yaml:"waf"`
	// Audit says what requests wait for, in place of the API's audit.
	Audit string `yaml:"audit" enum:"required,buffered"`
	// Override lists the fields (max_body) in which this operation may protect
	// less than what is said for its API. Without it such an operation does not
	// load. What is public needs no such word.
	Override []string `yaml:"override"`
}

// Operation gives what is configured for one operation; never nil.
func (a *API) Operation(id string) *Operation {
	if op := a.Operations[id]; op != nil {
		return op
	}
	return &Operation{}
}

// Public tells whether everybody may call the operation.
func (a *API) Public(id string) bool { return a.Operation(id).Public }

// ValidationOf gives the API's validation with the operation's refinements.
func (a *API) ValidationOf(id string) contract.Config {
	v := a.Validation
	if m := a.Operation(id).MaxBody; m != 0 {
		v.MaxBody = m
		if v.MaxDecompressed != 0 {
			v.MaxDecompressed = max(v.MaxDecompressed, m)
		}
	}
	return v
}

// AnswersOf gives how an operation's answers are held against the document.
func (a *API) AnswersOf(id string) contract.ResponseConfig {
	if r := a.Operation(id).Response; r != nil {
		return r.Contract
	}
	return a.Response.Contract
}

// WAFOf gives the API's firewall with the operation's refinements; nil where
// there is none.
func (a *API) WAFOf(id string) *waf.Config {
	if a.WAF == nil {
		return nil
	}
	c := a.WAF.Refine(a.Operation(id).WAF)
	if c.Mode == durward.Off {
		return nil
	}
	return &c
}

// RecordingOf gives how the attempts of an operation are recorded; "" is as the
// log has it.
func (a *API) RecordingOf(id string) string {
	if r := a.Operation(id).Audit; r != "" {
		return r
	}
	return a.Audit
}

// UpstreamOf gives the API's upstream with the operation's refinements.
func (a *API) UpstreamOf(id string) proxy.Config {
	u, op := a.Upstream, a.Operation(id)
	if op.Timeout != 0 {
		u.Timeout = op.Timeout
	}
	if op.BodyIdleTimeout != 0 {
		u.BodyIdleTimeout = op.BodyIdleTimeout
	}
	if op.Upgrades != nil {
		u.Upgrades = op.Upgrades
	}
	return u
}
