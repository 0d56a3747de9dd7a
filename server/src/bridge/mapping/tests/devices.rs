//! Payloads of real devices, from their manuals and from what their users report: nothing of them is lost.

use super::{readings, say};

/// A device, the topic below `sensors/`, its payload, how many readings that is, and some of them.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    usize,
    &'static [&'static str],
);

const TABLE: &[Row] = &[
    (
        "Tasmota, tele/SENSOR of a plug",
        "plug",
        r#"{"Time":"2022-01-11T21:57:38","ENERGY":{"TotalStartTime":"2020-10-21T22:15:00","Total":3.705,"Yesterday":0.028,"Today":0.026,"Period":1,"Power":5,"ApparentPower":5,"ReactivePower":0,"Factor":1.00,"Voltage":233,"Current":0.021}}"#,
        12,
        &[
            "Time=\"2022-01-11T21:57:38\"",
            "ENERGY/Power=5",
            "ENERGY/Factor=1",
            "ENERGY/Current=0.021",
        ],
    ),
    (
        "Tasmota, DS18B20",
        "pool",
        r#"{"Time":"2021-06-05T10:10:10","DS18B20":{"Id":"01131B2B9E4A","Temperature":20.6},"TempUnit":"C"}"#,
        4,
        &["DS18B20/Id=\"01131B2B9E4A\"", "DS18B20/Temperature=20.6"],
    ),
    (
        "Tasmota, a relay of two channels",
        "dual",
        r#"{"ENERGY":{"Power":[10,0],"Voltage":233,"Current":[0.043,0.000]}}"#,
        5,
        &["ENERGY/Power/0=10", "ENERGY/Current/1=0"],
    ),
    (
        "Shelly Gen1, power",
        "shelly1pm/power",
        "21.35",
        1,
        &["power=21.35"],
    ),
    (
        "Shelly Gen1, overtemperature",
        "shelly1pm/overtemperature",
        "0",
        1,
        &["overtemperature=0"],
    ),
    (
        "Shelly Gen1 H&T, relay",
        "shellyht/relay/0",
        "off",
        1,
        &["relay/0=\"off\""],
    ),
    (
        "Shelly Gen2, status/switch:0",
        "shellyplus1pm/switch:0",
        r#"{"id":0, "source":"MQTT", "output":true, "apower":8.9, "voltage":237.5, "current":0.041, "aenergy":{"total":6.532,"by_minute":[45.199,47.141,88.397],"minute_ts":1626935779},"temperature":{"tC":23.5, "tF":74.4}}"#,
        13,
        &[
            "switch:0/output=true",
            "switch:0/aenergy/by_minute/2=88.397",
            "switch:0/temperature/tC=23.5",
        ],
    ),
    (
        "Shelly Plus H&T, NotifyFullStatus",
        "shellyplusht",
        r#"{"src":"shellyplusht-b8d61a8b17cc","method":"NotifyFullStatus","params":{"ts":1680962879.62,"ble":{},"cloud":{"connected":false},"devicepower:0":{"id":0,"battery":{"V":0.43,"percent":0},"external":{"present":true}},"ht_ui":{},"humidity:0":{"id":0,"rh":42.2},"sys":{"mac":"B8D61A8B17CC","time":null,"unixtime":null,"available_updates":{}}}}"#,
        11,
        &[
            "params/ts=1680962879.62",
            "params/devicepower:0/battery/V=0.43",
            "params/humidity:0/rh=42.2",
            "params/sys/mac=\"B8D61A8B17CC\"",
        ],
    ),
    (
        "Zigbee2MQTT, a plug with nulls and an update",
        "plug2",
        r#"{"child_lock":"UNLOCK","countdown":0,"current":0.06,"energy":12.31,"indicator_mode":null,"linkquality":102,"power":null,"power_outage_memory":null,"state":"ON","update":{"installed_version":192,"latest_version":192,"state":"idle"},"update_available":null,"voltage":240.1}"#,
        10,
        &["voltage=240.1", "update/state=\"idle\"", "state=\"ON\""],
    ),
    (
        "Zigbee2MQTT, a lamp in colour",
        "lamp",
        r#"{"state_rgb":"OFF","brightness_rgb":0,"color_rgb":{"x":0.526676280311873,"y":0.41329727450763},"color_temp_rgb":106}"#,
        5,
        &["color_rgb/x=0.526676280311873", "color_temp_rgb=106"],
    ),
    (
        "ESPHome, sensor state",
        "living/temperature",
        "23.4",
        1,
        &["temperature=23.4"],
    ),
    (
        "ESPHome, a sensor without a value",
        "living/humidity",
        "nan",
        1,
        &["humidity=\"nan\""],
    ),
    (
        "Home Assistant statestream, state",
        "ha/sensor/outdoor/state",
        "-12.0",
        1,
        &["sensor/outdoor/state=-12"],
    ),
    (
        "Home Assistant statestream, attribute",
        "ha/sensor/outdoor/unit_of_measurement",
        "\"°C\"",
        1,
        &["sensor/outdoor/unit_of_measurement=\"°C\""],
    ),
    (
        "Sonoff TH, numbers as text",
        "th16",
        r#"{"switch":"off","fwVersion":"3.5.0","rssi":-47,"deviceType":"normal","sensorType":"AM2301","currentHumidity":"58","currentTemperature":"20.7","targets":[{"targetHigh":"45.0"}]}"#,
        8,
        &[
            "fwVersion=\"3.5.0\"",
            "currentHumidity=58",
            "currentTemperature=20.7",
            "targets/0/targetHigh=45",
        ],
    ),
    (
        "Airthings Wave Plus",
        "wave",
        r#"{"temperature":21.5,"humidity":45.0,"radon_24h_avg":42,"radon_long_term_avg":38}"#,
        4,
        &["humidity=45", "radon_24h_avg=42"],
    ),
    (
        "SenseCAP OpenStream",
        "2CF7F12000000001/4100",
        r#"{"value": "437", "timestamp": "1544151922137"}"#,
        2,
        &["4100=437", "4100/timestamp=1544151922137"],
    ),
    (
        "Victron Venus OS",
        "victron/system/0/Ac/Grid/L1/Power",
        r#"{"max": null, "min": null, "value": 230.1234130859375}"#,
        1,
        &["system/0/Ac/Grid/L1/Power=230.1234130859375"],
    ),
    (
        "Victron Venus OS, nothing measured",
        "victron/battery/Soc",
        r#"{"value": null}"#,
        0,
        &[],
    ),
    (
        "OpenMQTTGateway, BTtoMQTT",
        "4C65A8D1C2F3",
        r#"{"id":"4C:65:A8:D1:C2:F3","name":"MJ_HT_V1","rssi":-63,"distance":0.495572,"tempc":23.1,"tempf":73.58,"hum":46.7,"batt":98}"#,
        8,
        &["rssi=-63", "tempc=23.1", "id=\"4C:65:A8:D1:C2:F3\""],
    ),
    (
        "OpenMQTTGateway, a 433 MHz code beyond 2^53",
        "omg",
        r#"{"value":12345678901234567890,"protocol":1,"length":24,"delay":350}"#,
        4,
        &["value=\"12345678901234567890\"", "delay=350"],
    ),
    (
        "rtl_433, Acurite tower",
        "acurite",
        r#"{"time" : "2019-03-13 06:05:13", "model" : "Acurite tower sensor", "id" : 15602, "channel" : "A", "temperature_C" : 8.300, "humidity" : 52, "battery_low" : 0, "mic" : "CHECKSUM"}"#,
        8,
        &["temperature_C=8.3", "id=15602", "channel=\"A\""],
    ),
    (
        "The Things Stack, uplink",
        "ttn",
        r#"{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"app1"},"dev_eui":"24E1641094172783","join_eui":"800000000000000C","dev_addr":"00BCB929"},"correlation_ids":["as:up:01"],"received_at":"2020-02-12T15:15:45.787Z","uplink_message":{"f_port":1,"f_cnt":2,"frm_payload":"gkHe","decoded_payload":{"temperature":1.0,"luminosity":0.64},"rx_metadata":[{"gateway_ids":{"gateway_id":"gtw1","eui":"9C5C8E00001A05C4"},"timestamp":2463457000,"rssi":-35,"snr":5.2}],"settings":{"data_rate":{"lora":{"bandwidth":125000,"spreading_factor":7}},"frequency":"868300000"}}}"#,
        20,
        &[
            "end_device_ids/dev_eui=\"24E1641094172783\"",
            "uplink_message/decoded_payload/luminosity=0.64",
            "uplink_message/rx_metadata/0/snr=5.2",
            "uplink_message/settings/data_rate/lora/bandwidth=125000",
            "uplink_message/settings/frequency=868300000",
        ],
    ),
    (
        "ThingsBoard gateway",
        "gw",
        r#"{"Device A":[{"ts":1483228800000,"values":{"temperature":42,"humidity":80}}]}"#,
        3,
        &[
            "Device A/0/ts=1483228800000",
            "Device A/0/values/temperature=42",
        ],
    ),
    (
        "Milesight gateway, network server",
        "milesight",
        r#"{"applicationID":"1","devEUI":"24e124136b502217","deviceName":"EM300-TH","battery":100,"humidity":46.5,"temperature":27.2,"sn":"6785C38226020003"}"#,
        7,
        &["temperature=27.2", "sn=\"6785C38226020003\""],
    ),
    (
        "Dragino LHT65N, decoded",
        "lht65",
        r#"{"BatV":3.05,"Bat_status":3,"Hum_SHT":"51.8","TempC_DS":327.67,"TempC_SHT":"24.61","Ext_sensor":"Temperature Sensor"}"#,
        6,
        &["Hum_SHT=51.8", "TempC_SHT=24.61"],
    ),
    (
        "a DHT22 sketch whose read failed",
        "dht",
        "{\"temperature\":nan,\"humidity\":nan,\"uptime\":312}\0",
        3,
        &["temperature=\"nan\"", "uptime=312"],
    ),
    (
        "a serial bridge, text with a unit",
        "serial/temperature",
        "20.6 ℃\r\n",
        1,
        &["temperature=20.6 ℃"],
    ),
    (
        "a meter with a decimal comma",
        "meter/humidity",
        "40,78",
        1,
        &["humidity=40.78"],
    ),
    (
        "lm-sensors by a script",
        "nas/core0",
        "45.0°C\n",
        1,
        &["core0=45 °C"],
    ),
    (
        "a SIM module, its number and its ICCID",
        "sim",
        r#"{"msisdn":"+34600111222","iccid":8934071100000000001,"code":"0004523123"}"#,
        3,
        &[
            "msisdn=\"+34600111222\"",
            "iccid=\"8934071100000000001\"",
            "code=\"0004523123\"",
        ],
    ),
];

#[test]
fn nothing_that_real_devices_send_is_lost() {
    for (device, topic, payload, count, expected) in TABLE {
        let said = say(&format!("sensors/{topic}"), payload);
        assert_eq!(said.fault, None, "{device}");
        let readings = readings(&said);
        assert_eq!(readings.len(), *count, "{device}: {readings:#?}");
        for reading in *expected {
            let is_there = readings.iter().any(|it| it == reading);
            assert!(is_there, "{device}: {reading} in {readings:#?}");
        }
    }
}
