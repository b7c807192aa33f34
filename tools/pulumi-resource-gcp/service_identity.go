package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/hashicorp/terraform-provider-google/google/services/serviceusage"
	"github.com/hashicorp/terraform-provider-google/google/tpgresource"
	"github.com/hashicorp/terraform-provider-google/google/transport"
)

// serviceIdentity is google_project_service_identity, which Google's beta provider has and this
// one lacks: it asks Service Usage to make a service's own account in a project. Such an account
// is never deleted.
func serviceIdentity() *schema.Resource {
	computed := &schema.Schema{Type: schema.TypeString, Computed: true}
	return &schema.Resource{
		Create:   generateServiceIdentity,
		Read:     func(*schema.ResourceData, any) error { return nil },
		Delete:   func(*schema.ResourceData, any) error { return nil },
		Timeouts: &schema.ResourceTimeout{Create: schema.DefaultTimeout(20 * time.Minute)},
		Schema: map[string]*schema.Schema{
			"service": {Type: schema.TypeString, Required: true, ForceNew: true},
			"project": {Type: schema.TypeString, Optional: true, Computed: true, ForceNew: true},
			"email":   computed,
			"member":  computed,
		},
	}
}

func generateServiceIdentity(d *schema.ResourceData, meta any) error {
	config := meta.(*transport.Config)
	project, err := tpgresource.GetProject(d, config)
	if err != nil {
		return err
	}
	base := strings.TrimSuffix(transport.BaseUrl(serviceusage.Product, config), "v1/") + "v1beta1/"
	id := fmt.Sprintf("projects/%s/services/%s", project, d.Get("service"))
	operation, err := transport.SendRequest(transport.SendRequestOptions{
		Config:    config,
		Method:    "POST",
		Project:   project,
		RawURL:    base + id + ":generateServiceIdentity",
		UserAgent: config.UserAgent,
		Timeout:   d.Timeout(schema.TimeoutCreate),
	})
	if err != nil {
		return fmt.Errorf("cannot make the service identity %s: %w", id, err)
	}
	var made map[string]any
	if err := serviceusage.ServiceUsageOperationWaitTimeWithResponse(
		config, operation, &made, project, "Making a service identity", config.UserAgent,
		d.Timeout(schema.TimeoutCreate),
	); err != nil {
		return err
	}
	d.SetId(id)
	email := fmt.Sprint(made["email"])
	for field, value := range map[string]string{
		"project": project, "email": email, "member": "serviceAccount:" + email,
	} {
		if err := d.Set(field, value); err != nil {
			return err
		}
	}
	return nil
}
