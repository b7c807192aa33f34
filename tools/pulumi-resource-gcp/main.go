// Command pulumi-resource-gcp is the provider that tests run `pulumi up` with: Google's own
// Terraform provider, handed to Pulumi's engine by Pulumi's own bridge.
//
// The published pulumi-gcp is the same two parts with some names changed. What the program of
// infra/ uses is listed in resources.json; a test holds that list to the program.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"log"

	"github.com/hashicorp/terraform-provider-google/google/fwprovider"
	"github.com/hashicorp/terraform-provider-google/google/provider"
	pf "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
	sdkv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/x/muxer"
	"github.com/pulumi/pulumi-terraform-bridge/v3/unstable/metadata"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

//go:embed resources.json
var resources []byte

// version is that of the Python package whose calls it answers; set by the linker.
var version = "10.0.0"

type names struct {
	Resources   map[string]tokens.Type         `json:"resources"`
	DataSources map[string]tokens.ModuleMember `json:"dataSources"`
}

func main() {
	var listed names
	if err := json.Unmarshal(resources, &listed); err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	google := provider.Provider()
	google.ResourcesMap["google_project_service_identity"] = serviceIdentity()
	info := tfbridge.ProviderInfo{
		P:              pf.MuxShimWithDisjointgPF(ctx, sdkv2.NewProvider(google), fwprovider.New(google)),
		Name:           "gcp",
		Version:        version,
		ResourcePrefix: "google",
		MetadataInfo:   tfbridge.NewProviderMetadata([]byte("{}")),
		Config: map[string]*tfbridge.SchemaInfo{
			"access_token":                                  {Secret: tfbridge.True()},
			"add_terraform_attribution_label":               {Name: "addPulumiAttributionLabel"},
			"terraform_attribution_label_addition_strategy": {Name: "pulumiAttributionLabelAdditionStrategy"},
		},
		Resources:   map[string]*tfbridge.ResourceInfo{},
		DataSources: map[string]*tfbridge.DataSourceInfo{},
	}
	for name, token := range listed.Resources {
		fields := map[string]*tfbridge.SchemaInfo{}
		if _, labelled := info.P.ResourcesMap().Get(name).Schema().GetOk("terraform_labels"); labelled {
			fields["terraform_labels"] = &tfbridge.SchemaInfo{Name: "pulumiLabels"}
		}
		info.Resources[name] = &tfbridge.ResourceInfo{Tok: token, Fields: fields}
	}
	for name, token := range listed.DataSources {
		info.DataSources[name] = &tfbridge.DataSourceInfo{Tok: token}
	}
	dispatch(&info)
	pf.MainWithMuxer(ctx, "gcp", info, []byte(`{"name": "gcp"}`))
}

// dispatch says which of the provider's two halves serves what; published providers ship it as a
// file.
func dispatch(info *tfbridge.ProviderInfo) {
	halves := info.P.(interface {
		shim.Provider
		ResolveDispatch(*tfbridge.ProviderInfo) (muxer.DispatchTable, error)
	})
	table, err := halves.ResolveDispatch(info)
	if err != nil {
		log.Fatal(err)
	}
	if err := metadata.Set(info.GetMetadata(), "mux", table); err != nil {
		log.Fatal(err)
	}
}
