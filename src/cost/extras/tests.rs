use super::*;

const HOUR: SimDuration = SimDuration::from_secs(3_600);

fn extras(text: &str, ground: Ground) -> Extras {
    Extras::new(&toml::from_str(text).unwrap(), ground).unwrap()
}

fn served(requests: u64, in_flight_s: u64) -> Served {
    Served {
        requests,
        answered: requests,
        in_flight_ns: u128::from(in_flight_s) * 1_000_000_000,
        ..Served::default()
    }
}

fn of(extras: &Extras, served: &[Served], images: &[u64]) -> Vec<Quantities> {
    extras.quantities(served, HOUR, Decimal::from(730), images)
}

fn units(extras: &Extras, served: Served) -> String {
    of(extras, &[served], &[0])[0][BALANCER_UNITS]
        .round_dp(6)
        .normalize()
        .to_string()
}

/// Each dimension of an LCU is the largest one once. By hand, for an hour.
#[test]
fn an_lcu_is_the_largest_dimension_and_not_their_sum() {
    let balancer = |more: &str| {
        extras(
            &format!("response-size = \"1KB\"\n[load-balancer]\n{more}"),
            Ground::Tasks,
        )
    };
    // 50 requests a second, each a new connection: 2; 0.18 GB and no rules.
    assert_eq!(units(&balancer(""), served(180_000, 3_600)), "2");
    // Kept connections; 6,000 requests in flight.
    assert_eq!(
        units(&balancer("connections = \"0\""), served(180_000, 21_600_000)),
        "2"
    );
    // 5,000,000 KB.
    assert_eq!(units(&balancer("connections = \"0\""), served(5_000_000, 0)), "5");
    // 1,000 requests a second on 20 rules beyond the free ones.
    assert_eq!(
        units(&balancer("connections = \"0\"\nrules = 30"), served(3_600_000, 0)),
        "20"
    );
    // Functions have 0.4 GB an hour in an LCU.
    let functions = extras(
        "response-size = \"1KB\"\n[load-balancer]\nconnections = \"0\"",
        Ground::Functions,
    );
    assert_eq!(units(&functions, served(5_000_000, 0)), "12.5");
}

/// The vendor's example: 1 new connection a second that lasts 2 minutes, 5 requests and 300 KB a second, and 60 rules. Bytes are the
/// largest dimension, with 1.08 LCU.
#[test]
fn the_vendors_example_comes_out() {
    let balancer = extras(
        "response-size = \"60KB\"\n[load-balancer]\nconnections = \"0.2\"\nrules = 60",
        Ground::Tasks,
    );
    assert_eq!(units(&balancer, served(18_000, 3_600 * 120)), "1.08");
}

#[test]
fn shared_quantities_are_divided_by_requests() {
    let shared = extras("public-ipv4 = 3\n[nat]\ngateways = 2", Ground::Tasks);
    let both = of(&shared, &[served(3, 0), served(1, 0)], &[0, 0]);
    assert_eq!(both[0][NAT_HOURS].to_string(), "1.5");
    assert_eq!(both[1][NAT_HOURS].to_string(), "0.5");
    assert_eq!(both[0][ADDRESSES].to_string(), "2.25");
    let idle = of(&shared, &[served(0, 0), served(0, 0)], &[0, 0]);
    assert_eq!(idle[0][NAT_HOURS], idle[1][NAT_HOURS]);
}

/// By hand: 2^20 requests of 1 KiB are a GB. Tasks pull their own image, and nodes pull all images.
#[test]
fn bytes_become_gigabytes() {
    let own = "response-size = \"1KiB\"\ninternet = true\n[nat]\nsent = \"1KiB\"\nreceived = \"2KiB\"\npulls = true\n\
               [logs]\nsize = \"2KiB\"\nretention = \"1460h\"\n[registry]\nversions = 5";
    let mut busy = served(1 << 20, 0);
    busy.created = 4;
    busy.nodes = 2;
    let tasks = &of(&extras(own, Ground::Tasks), &[busy], &[1 << 29])[0];
    let shown = |meter: &str| tasks[meter].normalize().to_string();
    assert_eq!(shown(EGRESS), "2");
    assert_eq!(shown(NAT_DATA), "5");
    assert_eq!(shown(LOGS), "2");
    assert_eq!(shown(LOG_STORAGE), "4");
    // 2.5 GB for one of 730 hours.
    assert_eq!(
        (tasks[REGISTRY] * Decimal::from(730))
            .round_dp(9)
            .normalize()
            .to_string(),
        "2.5"
    );
    let nodes = &of(&extras(own, Ground::Nodes), &[busy, served(0, 0)], &[1 << 29, 1 << 30]);
    assert_eq!(nodes[0][NAT_DATA].normalize().to_string(), "4");
    assert_eq!(nodes[1][NAT_DATA].normalize().to_string(), "2");
}

/// By hand: 2^20 requests that send 1 KiB and receive 3 KiB exchange 4 GB, of which half crosses zones and is billed twice.
#[test]
fn traffic_between_zones_is_billed_on_both_sides() {
    let between = extras(
        "[inter-zone]\nsent = \"1KiB\"\nreceived = \"3KiB\"\nshare = \"0.5\"",
        Ground::Nodes,
    );
    let found = of(&between, &[served(1 << 20, 0)], &[0]);
    assert_eq!(found[0][INTER_ZONE].normalize().to_string(), "4");
    assert_eq!(between.meters(), [INTER_ZONE]);
}

#[test]
fn an_api_counts_a_request_for_each_512_kb() {
    let api = extras("response-size = \"513KiB\"\napi-gateway = \"http\"", Ground::Functions);
    assert_eq!(of(&api, &[served(10, 0)], &[0])[0][HTTP_API].to_string(), "20");
    let api = extras("response-size = \"512KiB\"\napi-gateway = \"http\"", Ground::Functions);
    assert_eq!(of(&api, &[served(10, 0)], &[0])[0][HTTP_API].to_string(), "10");
    assert_eq!(api.meters(), [HTTP_API]);
}

#[test]
fn settings_that_do_not_fit_are_refused() {
    let problem = |text: &str| Extras::new(&toml::from_str(text).unwrap(), Ground::Functions).unwrap_err();
    assert!(problem("internet = true").contains("needs `extras.response-size`"));
    assert!(problem("[load-balancer]\nconnections = \"-1\"").contains("is `-1`"));
    assert!(problem("[inter-zone]\nshare = \"1.5\"").contains("is `1.5`"));
    assert!(problem("[nat]\npulls = true").contains("functions do not pull images"));
}
