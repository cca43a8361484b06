// Package shim hands out the provider of terraform-provider-random, which lies in an internal package there: Go lets only
// packages below that module's path import it, so this module's path is one.
package shim

import (
	"github.com/hashicorp/terraform-plugin-framework/provider"

	internal "github.com/terraform-providers/terraform-provider-random/internal/provider"
)

// NewProvider returns the Terraform provider "random".
func NewProvider() provider.Provider {
	return internal.New()
}
