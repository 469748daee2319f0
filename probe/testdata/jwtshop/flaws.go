// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package jwtshop

// Flaws are all that can be planted; truth.yaml says of each where it shows.
var Flaws = []string{
	// Tokens.
	"jwt-alg-none", "jwt-unverified", "jwt-alg-confusion", "jwt-weak-secret", "jwt-expired", "jwt-audience",
	"jwt-issuer", "jwt-kid-path", "jwt-kid-sql", "jwt-jwk", "jwt-jku", "auth-missing", "logout-without-effect",
	"token-in-query", "identity-header", "login-unlimited",
	// Objects.
	"order-read", "order-update", "order-delete", "order-list", "order-item", "order-lookup", "order-receipt",
	"address-read", "address-update", "address-delete", "review-update", "review-delete",
	// Functions.
	"admin-users", "product-create", "product-price", "report-sales",
	// Properties.
	"mass-profile-role", "mass-profile-balance", "mass-order-status", "mass-register-role",
	"exposure-user", "exposure-review-email", "exposure-register-password",
	// Operations that are in no document.
	"shadow-old-version", "shadow-debug",
}
