// The Pulumi plugin "random": the Terraform provider of the same name behind Pulumi's bridge, with the type tokens, secrets and
// state of the official plugin, so that a stack made with one goes on with the other. It is built where the official plugin
// cannot be downloaded.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	bridge "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/terraform-providers/terraform-provider-random/shim"
)

// version is set by the linker (-X main.version=...) to the version of the official plugin that this one stands for.
var version = "0.0.0"

func main() {
	provider := tfbridge.ProviderInfo{
		P:         bridge.ShimProvider(shim.NewProvider()),
		Name:      "random",
		Version:   version,
		Resources: map[string]*tfbridge.ResourceInfo{},
		// The official plugin carries a record of renames in earlier releases; without it state written by today's is unchanged.
		MetadataInfo: tfbridge.NewProviderMetadata(nil),
		// Both as in the official plugin: they decide what is recorded in the state.
		EnableAccurateBridgePreview: true,
		EnableRawStateDelta:         true,
	}
	for _, kind := range []string{"Bytes", "Id", "Integer", "Password", "Pet", "Shuffle", "String", "Uuid", "Uuid4", "Uuid7"} {
		provider.Resources["random_"+strings.ToLower(kind)] = &tfbridge.ResourceInfo{
			Tok: tokens.Type("random:index/random" + kind + ":Random" + kind),
		}
	}
	provider.Resources["random_bytes"].ComputeID = idOfBytes
	bridge.Main(context.Background(), provider.Name, provider, bridge.ProviderMetadata{XGetSchema: schema})
}

// idOfBytes: of all resources only random_bytes has no id of its own; Pulumi's is its value in base 64.
func idOfBytes(_ context.Context, state resource.PropertyMap) (resource.ID, error) {
	value := state["base64"]
	if value.IsSecret() {
		value = value.SecretValue().Element
	}
	if !value.IsString() {
		return "", errors.New("random_bytes: its state has no text named base64")
	}
	return resource.ID(value.StringValue()), nil
}

// schema names the package only: programs bring the SDK @pulumi/random, which carries the rest.
func schema(context.Context, plugin.GetSchemaRequest) ([]byte, error) {
	return json.Marshal(map[string]string{"name": "random", "version": version})
}
