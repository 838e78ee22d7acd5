package live

import "testing"

func TestApache(t *testing.T) { compareAll(t, newApache(t), apacheSite, simulateApache) }

func TestNginx(t *testing.T) { compareAll(t, newNginx(t), nginxSite, simulateNginx) }
